// Package openai reads the APIs that OpenAI defined and that most model servers
// speak: chat completions, legacy completions, Responses and embeddings.
package openai

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set {
	return dialect.Set{Chat(), Completions(), Responses(), Embeddings()}
}

// api is one API of the family: how it is recognised, and what its fields mean.
type api struct {
	name      string
	operation exchange.Operation
	match     func(h *dialect.Head) bool
	request   *frame.Shape
	response  *frame.Shape
	// conclude gives the fields of a message that was read, and the name of its
	// event, their meaning. It is nil where they have it on their own.
	conclude func(d *decoder, event []byte)
}

// Match implements dialect.Dialect.
func (a *api) Match(h *dialect.Head) bool { return a.match(h) }

// NewDecoder implements dialect.Dialect.
func (a *api) NewDecoder(h *dialect.Head) dialect.Decoder { return newDecoder(a, h) }

// post matches a request to a path with this ending. Prefixes differ by vendor.
func post(suffix string) func(h *dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

// provider is gen_ai.provider.name as far as the path tells it: Azure has the
// deployment in it, or the version of the API behind it.
func provider(h *dialect.Head) string {
	if strings.Contains(h.Path, deployments) ||
		strings.Contains(h.Path, "/openai/") && strings.Contains(h.Query, "api-version=") {
		return "azure.ai.openai"
	}
	return "openai"
}

// deployment is the name of the Azure deployment in the path, if there is one.
func deployment(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, deployments)
	name, _, _ := strings.Cut(rest, "/")
	return name[:min(len(name), frame.MaxText)] // as much as is kept of a model's name
}

const deployments = "/openai/deployments/"
