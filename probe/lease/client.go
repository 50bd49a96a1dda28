package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// requestTimeout bounds a request, so that a holder has time for a second one before its
// RenewDeadline: a connection whose other end has vanished costs one request.
const requestTimeout = 2 * time.Second

// most bounds the answer that is read, in bytes. etcd keeps no larger object.
const most = 2 << 20

// client reads and writes one Lease.
type client struct {
	Server
	namespace, name string
}

// refusal is an answer of the API server other than success.
type refusal struct {
	status  int
	verb    string // of RBAC: get, create, update
	client  *client
	message string
	after   time.Duration // from Retry-After; 0 without it
}

func (r *refusal) Error() string {
	what := fmt.Sprintf("%s the Lease %s in namespace %s: the API server answers %d %s",
		map[string]string{"get": "reading", "create": "creating", "update": "updating"}[r.verb], r.client.name, r.client.namespace, r.status, http.StatusText(r.status))
	switch r.status {
	case http.StatusForbidden:
		what += fmt.Sprintf(", so the service account lacks the verb %s: give it a Role with the rule "+
			`{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]} in that namespace`, r.verb)
	case http.StatusUnauthorized:
		what += ", so it does not accept the token of the service account"
	}
	if r.message != "" {
		what += "; it says: " + r.message
	}
	return what
}

// is says whether err is an answer with the status.
func is(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// retryAfter is the time for which the server asks to be left alone, 0 without one.
func retryAfter(err error) time.Duration {
	var r *refusal
	if errors.As(err, &r) {
		return r.after
	}
	return 0
}

func (c *client) get(ctx context.Context) (object, error) {
	return c.do(ctx, "get", http.MethodGet, c.path()+"/"+c.name, nil)
}

func (c *client) create(ctx context.Context, spec record) (object, error) {
	metadata, err := json.Marshal(map[string]string{"name": c.name, "namespace": c.namespace})
	if err != nil {
		return object{}, err
	}
	return c.do(ctx, "create", http.MethodPost, c.path(), &object{Metadata: metadata, Spec: spec})
}

// update replaces the version of the Lease that o is. It is refused with 409 if somebody
// has written the Lease since.
func (c *client) update(ctx context.Context, o object) (object, error) {
	return c.do(ctx, "update", http.MethodPut, c.path()+"/"+c.name, &o)
}

func (c *client) path() string {
	return c.URL + "/apis/coordination.k8s.io/v1/namespaces/" + c.namespace + "/leases"
}

// do sends a request and returns the Lease of the answer.
func (c *client) do(ctx context.Context, verb, method, url string, send *object) (got object, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var body io.Reader = http.NoBody
	if send != nil {
		send.APIVersion, send.Kind = "coordination.k8s.io/v1", "Lease"
		text, err := json.Marshal(send)
		if err != nil {
			return got, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return got, err
	}
	token, err := c.Token()
	if err != nil {
		return got, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "headway")
	response, err := c.Transport.RoundTrip(request)
	if err != nil {
		return got, fmt.Errorf("%s a Lease: %w", verb, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	switch {
	case err != nil:
		return got, fmt.Errorf("%s a Lease: %w", verb, err)
	case response.StatusCode/100 != 2:
		return got, c.refused(verb, response, text)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return got, fmt.Errorf("%s a Lease: reading the answer of the API server: %w", verb, err)
	}
	return got, nil
}

// refused reads an answer that is no success: a Status of the Kubernetes API, or the page
// of something before the server.
func (c *client) refused(verb string, response *http.Response, text []byte) error {
	var status struct{ Message string }
	_ = json.Unmarshal(text, &status) // of a page there is nothing to tell
	if len(status.Message) > 300 {
		status.Message = status.Message[:300] + "…"
	}
	r := &refusal{status: response.StatusCode, verb: verb, client: c, message: status.Message}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = time.Duration(min(seconds, 60)) * time.Second
	}
	return r
}
