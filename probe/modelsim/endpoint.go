package modelsim

import (
	"net/http"
	"strings"
)

// endpoint is where an API plugs into the server.
type endpoint struct {
	path string // behind /v1/
	// dialect and operation name the API as headway's records do. The dialect is empty where headway
	// reads none.
	dialect, operation string
	provider           provider
	serve              func(*call) error
}

// endpoints lists the APIs.
func endpoints() []endpoint {
	return []endpoint{
		{"chat/completions", "openai-chat", "chat", openAI{}, generate[chatBody]},
		{"completions", "openai-completions", "text_completion", openAI{}, generate[completionsBody]},
		{"responses", "openai-responses", "chat", openAI{}, generate[responsesBody]},
		{"embeddings", "openai-embeddings", "embeddings", openAI{}, (*call).embeddings},
		{"messages", "anthropic-messages", "chat", anthropic{}, generate[messagesBody]},
		{"messages/count_tokens", "", "count_tokens", anthropic{}, (*call).countTokens},
	}
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

// serveAPI answers a request to one of the APIs. Any prefix may precede the last /v1/ of its path.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	const version = "/v1/"
	at := strings.LastIndex(r.URL.Path, version)
	if at < 0 {
		notFound(w, r)
		return
	}
	e, found := s.endpoints[r.URL.Path[at+len(version):]]
	switch {
	case !found:
		notFound(w, r)
	case r.Method != http.MethodPost:
		methodNotAllowed(w, r, e.provider)
	default:
		c := s.newCall(e, w, r)
		defer c.end()
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
