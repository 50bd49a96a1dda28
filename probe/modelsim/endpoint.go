package modelsim

import (
	"net/http"
	"slices"
)

// endpoint is where an API plugs into the server.
type endpoint struct {
	pattern pattern
	// dialect and operation name the API as headway's records do. The dialect is empty where headway
	// reads none.
	dialect, operation string
	provider           provider
	framing            framing // of its streams; nil: it has none
	serve              func(*call) error
}

// endpoints lists the APIs. Each family has its own in the file of its provider.
func endpoints() []endpoint {
	return slices.Concat(openAIEndpoints(), anthropicEndpoints(), geminiEndpoints(), bedrockEndpoints(), ollamaEndpoints(),
		cohereEndpoints(), tgiEndpoints(), sglangEndpoints(), llamaCPPEndpoints(), tritonEndpoints(), sageMakerEndpoints())
}

// generating is the body of a request to an API that generates.
type generating[B any] interface {
	*B
	// plan checks the request. It returns the order for the engine and the encoder of the answer.
	plan(*call) (order, encoder, error)
}

// generate serves an API whose requests have a body of type B.
func generate[B any, P generating[B]](c *call) error {
	body := P(new(B))
	if err := c.decode(body); err != nil {
		return err
	}
	o, enc, err := body.plan(c)
	if err != nil {
		return err
	}
	return c.answer(o, enc)
}

// find returns the endpoint that a request goes to, and the name in its path. Of several it is the
// one with the longest pattern.
func find(endpoints []endpoint, r *http.Request) (found endpoint, name string, ok bool) {
	path := r.URL.EscapedPath()
	for _, e := range endpoints {
		if len(e.pattern) <= len(found.pattern) {
			continue
		}
		if n, fits := e.pattern.match(path, r.URL.RawQuery); fits {
			found, name, ok = e, n, true
		}
	}
	return found, name, ok
}

// serveAPI answers a request to one of the APIs.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if asksForWebSocket(r) {
		s.serveWebSocket(w, r)
		return
	}
	e, name, found := find(s.endpoints, r)
	switch {
	case !found:
		notFound(w, r)
	case r.Method != http.MethodPost:
		methodNotAllowed(w, r, e.provider)
	default:
		c := s.newCall(e, w, r)
		defer c.end()
		c.pathName = name
		c.run(e.serve)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	e := invalidRequest("", "Unknown request URL: %s %s.", r.Method, r.URL.Path)
	e.status, e.Code = http.StatusNotFound, "unknown_url"
	e.write(w, openAI{})
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request, p provider) {
	w.Header().Set("Allow", http.MethodPost)
	e := invalidRequest("", "Not allowed to %s on %s.", r.Method, r.URL.Path)
	e.status, e.Code = http.StatusMethodNotAllowed, "method_not_supported"
	e.write(w, p)
}
