//go:build interop

package sdk_test

import (
	"os"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// TestInteropSDKsAreToldWhoseDoingAMissIs: OpenAI's and Anthropic's SDKs for Python lead the
// dialogue of dialogue.py. Each writes history, tools and marks in its own way, and none of
// that may look like a change.
func TestInteropSDKsAreToldWhoseDoingAMissIs(t *testing.T) {
	exe := interop.Build(t)
	for _, tt := range []struct {
		api     string
		message int // as the request counts, which may begin with the system prompt
	}{
		{"chat", 4}, {"responses", 3}, {"messages", 3},
	} {
		t.Run(tt.api, func(t *testing.T) {
			sim := exe.StartSimulator(t, "--step", "1ms", "--prefill", "1ms")
			sidecar := exe.StartSidecar(t, sim.URL)
			python := interop.SDK{Name: tt.api, Command: []string{interop.Tool(t, "python/bin/python"), interop.Driver(t, "python/dialogue.py"), tt.api}}
			python.Drive(t, sidecar.URL)
			sidecar.Process.Stop(t)
			text, err := os.ReadFile(sidecar.Capture)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]capture.PromptCache, 8)
			want[3].Cause = "same_prefix"
			want[5] = capture.PromptCache{Cause: "prefix_changed", Changed: "system"}
			want[7] = capture.PromptCache{Cause: "prefix_changed", Changed: "message", Message: tt.message}
			if got := misses(interop.DecodeLines[capture.Line](t, text)); !slices.Equal(got, want) {
				t.Errorf("%+v,\nwant %+v", got, want)
			}
		})
	}
}

// misses are those of the exchanges, without the tokens that they lost.
func misses(lines []capture.Line) (all []capture.PromptCache) {
	for _, l := range lines {
		if l.Kind != "" {
			continue
		}
		var miss capture.PromptCache
		if l.PromptCache != nil {
			miss = *l.PromptCache
			miss.Lost = 0
		}
		all = append(all, miss)
	}
	return all
}
