// Package bedrock reads Amazon Bedrock: Converse, and the models' own formats through
// InvokeModel. Claude through InvokeModel is in package anthropic.
package bedrock

import (
	"net/url"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Converse(), Invoke()} }

// call is the method of a model that the path names: converse-stream, in
// /model/ID/converse-stream. It is empty in any other path.
func call(h *dialect.Head) string {
	_, rest, ok := strings.Cut(h.Path, "/model/")
	i := strings.LastIndexByte(rest, '/')
	if !ok || h.Method != "POST" || i < 0 {
		return ""
	}
	return rest[i+1:]
}

// model is the model that the path names, or the ARN of a profile of models.
func model(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, "/model/")
	name := rest[:max(0, strings.LastIndexByte(rest, '/'))]
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

func provider(*dialect.Head) string { return "aws.bedrock" }
