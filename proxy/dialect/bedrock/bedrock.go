// Package bedrock reads Amazon Bedrock: Converse, and the models' own formats through
// InvokeModel. Claude through InvokeModel is in package anthropic.
package bedrock

import (
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

func provider(*dialect.Head) string { return "aws.bedrock" }
