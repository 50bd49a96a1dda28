package modelsim_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestPresetsAreValid(t *testing.T) {
	for name, cfg := range map[string]modelsim.Config{"default": modelsim.DefaultConfig(), "fast": modelsim.FastConfig()} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	cfg := modelsim.DefaultConfig()
	cfg.Models, cfg.MaxRunning, cfg.StepBase, cfg.Jitter = nil, 2000, 0, 1
	cfg.Backlog, cfg.RequestsPerMinute, cfg.DraftAcceptance = 0, -1, 2
	cfg.Faults = []modelsim.FaultRule{{Fault: modelsim.Fault{Kind: modelsim.FaultCut, After: 3}, Probability: 7}}
	_, err := modelsim.New(cfg, nil)
	if err == nil {
		t.Fatal("New accepts it")
	}
	for _, want := range []string{
		"Models:", "TokenBudget: 1024 is below", "StepBase: 0s", "Jitter: 1 is", "Backlog: 0 is",
		"RequestsPerMinute: -1 is", "DraftAcceptance: 2 is", "Faults: probability 7 of cut@3",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %q:\n%v", want, err)
		}
	}
}

func TestCountTokens(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"", 0},
		{"hello", 1},
		{"hello world", 2},
		{"internationalization", 3},
		{"one, two.", 4},
		{"  two spaces", 3}, // the first is a token, the second belongs to its word
		{"line\n\nline", 4},
		{"naïve 東京 🙂", 4},
		{"\xff\xfe", 2},
	}
	for _, tt := range tests {
		if got := modelsim.CountTokens(tt.text); got != tt.want {
			t.Errorf("CountTokens(%q) = %d, want %d", tt.text, got, tt.want)
		}
	}
}
