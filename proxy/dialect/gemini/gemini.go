// Package gemini reads Google's API of Gemini models, as the Gemini API and Vertex AI
// speak it: generateContent, embeddings and interactions.
package gemini

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Generate(), Embed(), Interactions()} }

// verb is a method of a model, which the path names behind a colon:
// /v1beta/models/gemini-x:generateContent. It is empty in any other path.
func verb(h *dialect.Head) string {
	i := strings.LastIndexByte(h.Path, ':')
	if h.Method != "POST" || i < 0 || strings.Contains(h.Path, "/publishers/anthropic/") {
		return ""
	}
	return h.Path[i+1:]
}

// model is the model that the path names before its verb.
func model(h *dialect.Head) string {
	path, _, _ := strings.Cut(h.Path, ":")
	if strings.HasSuffix(path, "/v1internal") { // Code Assist, where the body names it
		return ""
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// provider is gen_ai.provider.name: paths of Vertex AI name a project.
func provider(h *dialect.Head) string {
	if strings.Contains(h.Path, "/projects/") || strings.Contains(h.Path, "/publishers/google/") {
		return "gcp.vertex_ai"
	}
	return "gcp.gemini"
}
