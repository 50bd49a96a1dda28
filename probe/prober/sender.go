package prober

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// sender sends the requests of one probe, through the proxy or past it.
type sender struct {
	probe    *probe.Probe
	upstream exchange.Upstream
	begin    func(tap.Request) *tap.Exchange
	own      *tap.Tap // measures the client's side of the pairs of probe.Both; else nil
	ownSeen  *mailbox
	prefix   string // of paths that the proxy leads to the target
	sidecar  *connection
	direct   *connection
}

// newSender returns the sender of p.
func newSender(c *Config, p *probe.Probe) (sender, error) {
	s := sender{probe: p, upstream: upstreamOf(p.URL), begin: c.Begin, ownSeen: &mailbox{}}
	if p.Via != probe.Direct {
		var ok bool
		if s.prefix, ok = c.Route(p.URL); !ok {
			return s, fmt.Errorf("probe %s: no route leads to %s; write via: direct, or add the URL to HEADWAY_ROUTES", p.Name, p.URL)
		}
		s.sidecar = &connection{dial: func(context.Context) (net.Conn, error) { return c.Connect(p.Name) }}
	}
	if p.Via != probe.Sidecar {
		s.direct = &connection{dial: dialer(s.upstream.Address(), securityOf(p.URL, c.TLS))}
	}
	if p.Via == probe.Both && c.Own != nil {
		s.own = c.Own(observing{s.ownSeen})
	}
	return s, nil
}

type observing struct{ to *mailbox }

func (o observing) Observe(r exchange.Record) { o.to.put(r) }

// upstreamOf returns the upstream at a URL that has been checked.
func upstreamOf(rawURL string) exchange.Upstream {
	u, err := url.Parse(rawURL)
	if err != nil {
		return exchange.Upstream{}
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		if port = 80; u.Scheme == "https" {
			port = 443
		}
	}
	return exchange.Upstream{Host: u.Hostname(), Port: port}
}

// securityOf returns the TLS of connections to a URL that has been checked, nil for http.
func securityOf(rawURL string, c *tls.Config) *tls.Config {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	out := &tls.Config{}
	if c != nil {
		out = c.Clone()
	}
	out.ServerName = cmp.Or(out.ServerName, u.Hostname())
	return out
}

// close closes the connections, of which none may be in use.
func (s *sender) close() {
	s.sidecar.close()
	s.direct.close()
}

// sent is what the prober saw of one request.
type sent struct {
	began       bool // a Record will come
	whole       bool // so did the prober get the answer
	seen        probe.Seen
	utilization float64 // that the answer told, from 0 to 1; 0: it did not
}

// send sends a request and feeds the answer. It returns when the answer is over.
func (s *sender) send(ctx context.Context, via probe.Via, request canary.Request, answer *canary.Answer) (got sent) {
	if via == probe.Direct {
		got.began = true
		s.over(ctx, strings.TrimRight(s.probe.URL, "/"), s.direct, s.begin, request, answer, &got)
		return got
	}
	if s.own == nil {
		got.began = s.over(ctx, throughProxy+s.prefix, s.sidecar, nil, request, answer, &got)
		return got
	}
	s.ownSeen.empty()
	got.began = s.over(ctx, throughProxy+s.prefix, s.sidecar, s.own.Begin, request, answer, &got)
	if r, ok := s.ownSeen.take(recordPatience); ok {
		got.seen = probe.Seen{TTFT: r.TTFT(), E2E: r.E2E()}
	}
	return got
}

// throughProxy is the start of the URL of a request on a connection of Config.Connect.
const throughProxy = "http://headway"

// over sends a request to base over a connection, measured by begin if that is not nil. It
// tells whether the request got to a connection.
func (s *sender) over(ctx context.Context, base string, by *connection, begin func(tap.Request) *tap.Exchange, request canary.Request, answer *canary.Answer, got *sent) bool {
	h, err := http.NewRequestWithContext(ctx, http.MethodPost, base+request.Path, bytes.NewReader(request.Body))
	if err != nil {
		return false
	}
	h.Header = request.Header
	var m meter
	if begin != nil {
		m.x = begin(s.described(h))
	}
	return s.transfer(m, by, h, request.Body, answer, got)
}

// described is a request as the tap gets it, with the path behind the host of the target.
func (s *sender) described(h *http.Request) tap.Request {
	return tap.Request{
		Method: h.Method, Path: h.URL.EscapedPath(), Query: h.URL.RawQuery, Upstream: s.upstream, Header: fields(h.Header),
		Read: tap.Now(), Origin: exchange.Canary, Probe: s.probe.Name, Mode: exchange.Direct,
	}
}

// fields is h as the tap reads heads.
func fields(h http.Header) exchange.Header {
	return func(yield func(name, value []byte) bool) {
		for name, values := range h {
			for _, value := range values {
				if !yield([]byte(name), []byte(value)) {
					return
				}
			}
		}
	}
}

// transfer sends h and reads its answer. It tells whether the request got to a connection.
func (s *sender) transfer(m meter, by *connection, h *http.Request, body []byte, answer *canary.Answer, got *sent) bool {
	m.asked(body)
	response, connected, err := by.send(h, m.written)
	if err != nil {
		m.failed(h.Context(), connected)
		return connected
	}
	m.head(response)
	got.utilization = utilization(response.Header)
	err = s.read(m, response, answer)
	got.whole = errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
	by.done(got.whole && !response.Close)
	_ = response.Body.Close() // of which nothing is left, or its connection is closed
	m.end(h.Context(), got.whole)
	return true
}

// buffers are what answers are read into.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// pause is how long the prober leaves an answer alone between two reads, if the proxy measures
// it. It reads then as much as came meanwhile: to wake for each token costs more than the token.
const pause = 50 * time.Millisecond

// read reads an answer to its end, of which errors are not fed.
func (s *sender) read(m meter, response *http.Response, answer *canary.Answer) error {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := response.Body.Read(buffer[:])
		if n > 0 {
			m.chunk(buffer[:n])
			if response.StatusCode == http.StatusOK {
				answer.Feed(buffer[:n])
			}
		}
		if err != nil {
			return err
		}
		if m.x == nil {
			time.Sleep(pause)
		}
	}
}

// meter measures an exchange at the prober's own end. Without an Exchange it does nothing.
type meter struct{ x *tap.Exchange }

func (m meter) asked(body []byte) {
	if m.x != nil {
		m.x.RequestBody(body)
		m.x.RequestRead(tap.Now())
	}
}

func (m meter) written() {
	if m.x != nil {
		m.x.RequestWritten(tap.Now())
	}
}

func (m meter) head(r *http.Response) {
	if m.x != nil {
		m.x.ResponseHead(r.StatusCode, fields(r.Header), tap.Now())
	}
}

func (m meter) chunk(p []byte) {
	if m.x != nil {
		now := tap.Now()
		m.x.Chunk([][]byte{p}, now, now)
	}
}

// failed ends an exchange that has no response.
func (m meter) failed(ctx context.Context, connected bool) {
	r := tap.Result{At: tap.Now(), Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection}
	if connected {
		r.Outcome, r.ErrorType = exchange.UpstreamCut, exchange.ErrConnection
	}
	m.close(ctx, r)
}

// end ends an exchange whose body came, perhaps whole.
func (m meter) end(ctx context.Context, whole bool) {
	r := tap.Result{At: tap.Now(), Outcome: exchange.OK}
	if !whole {
		r.Outcome, r.ErrorType = exchange.UpstreamCut, exchange.ErrTruncated
	}
	m.close(ctx, r)
}

// close ends an exchange. A timeout of the run is one of headway's limits.
func (m meter) close(ctx context.Context, r tap.Result) {
	if m.x == nil {
		return
	}
	switch {
	case r.Outcome == exchange.OK:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.Outcome, r.ErrorType = exchange.Timeout, exchange.ErrTimeout
	case ctx.Err() != nil:
		r.Outcome, r.ErrorType = exchange.Drained, exchange.ErrDraining
	}
	m.x.End(r)
}

// keyOf returns the key of a target, empty if it needs none. The error does not have it.
func keyOf(a probe.Auth, getenv func(string) string) (string, error) {
	switch {
	case a.Env != "":
		if key := strings.TrimSpace(getenv(a.Env)); key != "" {
			return key, nil
		}
		return "", fmt.Errorf("%s is not set", a.Env)
	case a.File != "":
		text, err := os.ReadFile(a.File)
		key := strings.TrimSpace(string(text))
		if err == nil && key == "" {
			err = fmt.Errorf("%s is empty", a.File)
		}
		return key, err
	}
	return "", nil
}

// utilization returns the share of its capacity that a provisioned deployment tells, 0 if
// it does not: azure-openai-deployment-utilization: 57%
// (https://learn.microsoft.com/azure/ai-services/openai/how-to/provisioned-throughput-onboarding).
func utilization(h http.Header) float64 {
	text := cmp.Or(h.Get("Azure-Openai-Deployment-Utilization"), "0")
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 10) {
		return 0
	}
	return v
}
