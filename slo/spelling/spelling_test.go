package spelling_test

import (
	"testing"

	"github.com/headway-sidecar/headway/slo/spelling"
)

func TestHintNamesTheWordThatWasMeant(t *testing.T) {
	variables := []string{"LISTEN", "UPSTREAM", "ROUTES", "ADMIN_LISTEN", "ROLE", "CAPTURE_FILE", "SLO_FILE", "DRAIN_DELAY", "DRAIN_TIMEOUT", "POD_NAME", "POD_UID"}
	operations := []string{"chat", "text_completion", "embeddings"}
	for _, tt := range []struct {
		name, word string
		known      []string
		want       string
	}{
		{"two neighbours in the wrong order", "UPSTRAEM", variables, "did you mean UPSTREAM?"},
		{"a short word", "chta", operations, "did you mean chat?"},
		{"a letter too many", "embeddingss", operations, "did you mean embeddings?"},
		{"a letter missing", "embeding", operations, "did you mean embeddings?"},
		{"no underscore", "CAPTUREFILE", variables, "did you mean CAPTURE_FILE?"},
		{"an underscore too many", "UP_STREAM", variables, "did you mean UPSTREAM?"},
		{"another case, and dashes", "Text-Completion", operations, "did you mean text_completion?"},
		{"a beginning", "SLO", variables, "did you mean SLO_FILE?"},
		{"the beginning of two", "DRAIN", variables, "did you mean DRAIN_DELAY or DRAIN_TIMEOUT?"},
		{"an end", "DELAY", variables, "did you mean DRAIN_DELAY?"},
		{"a part too many", "UPSTREAM_URL", variables, "did you mean UPSTREAM?"},
		{"a word like no other", "zebra", operations, "there are chat, text_completion, embeddings"},
		{"a short word like no other", "x", []string{"y", "z"}, "there are y, z"},
		{"nothing", "", operations, "there are chat, text_completion, embeddings"},
		{"as near to many", "x1", []string{"a1", "b1", "c1", "d1"}, "there are a1, b1, c1, d1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := spelling.Hint(tt.word, tt.known); got != tt.want {
				t.Errorf("%q: %s, want %s", tt.word, got, tt.want)
			}
		})
	}
}
