package loadtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/loadtest"
)

func TestVLLMReadsPairsAsVLLMDoes(t *testing.T) {
	for _, tt := range []struct{ name, in, want, wrong string }{
		{"two limits", "ttft:500 tpot:50", "ttft=500ms,tpot=50ms", ""},
		{"every key, in any order", "e2el:20000 tpot:50 ttft:500", "ttft=500ms,tpot=50ms,e2e=20s", ""},
		{"parts of a millisecond", "tpot:12.5", "tpot=12.5ms", ""},
		{"an exponent", "ttft:1.5e3", "ttft=1.5s", ""},
		{"a key twice", "ttft:500 ttft:700", "ttft=700ms", ""},
		{"nothing", "", "", "no limit; write them as behind --goodput: ttft:500 tpot:50"},
		{"no colon", "ttft=500", "", `"ttft=500": want a key, a colon and milliseconds`},
		{"two colons", "ttft:5:0", "", `"ttft:5:0": want milliseconds without a unit: ttft:500`},
		{"a unit", "ttft:500ms", "", `"ttft:500ms": want milliseconds without a unit: ttft:500`},
		{"no value", "ttft:", "", `"ttft:": want milliseconds`},
		{"another key", "itl:50", "", `"itl:50": want ttft, tpot or e2el: ttft:500`},
		{"a slip of the key", "e2e:5000", "", `did you mean e2el?`},
		{"a key in capitals", "TTFT:500", "", `"TTFT:500": want ttft, tpot or e2el`},
		{"less than nothing", "ttft:-1", "", "want more than 0 and at most an hour"},
		{"a limit that nothing keeps", "ttft:0", "", "want more than 0"},
		{"no number", "ttft:nan", "", "want milliseconds without a unit"},
		{"no limit at all", "ttft:inf", "", "at most an hour"},
		{"every mistake", "itl:1 ttft:x", "", "\"itl:1\": want ttft, tpot or e2el: ttft:500\n\"ttft:x\": want"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := loadtest.VLLM(strings.Fields(tt.in))
			switch {
			case tt.wrong == "" && (err != nil || got.String() != tt.want):
				t.Errorf("%v, %v; want %s", got, err, tt.want)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
				t.Errorf("%v; want %s", err, tt.wrong)
			}
		})
	}
}

// vLLM counts a request as good by value <= limit, and one of a single token keeps any TPOT.
func TestVLLMsGoodputIsTheSameRequests(t *testing.T) {
	by, err := loadtest.VLLM([]string{"ttft:500", "tpot:50"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		ttft, tpot time.Duration
		good       bool
	}{
		{"at the limits", 500 * time.Millisecond, 50 * time.Millisecond, true},
		{"above one", 500*time.Millisecond + 1, 50 * time.Millisecond, false},
		{"a single token", 500 * time.Millisecond, 0, true},
	} {
		q := slo.Request{Outcome: exchange.OK, Stream: true, TTFT: tt.ttft, TPOT: tt.tpot, E2E: time.Minute}
		if missed, counts := by.Judge(&q); !counts || (missed == 0) != tt.good {
			t.Errorf("%s: missed %v, counts %v", tt.name, missed, counts)
		}
	}
}

func TestMLPerfHasALimitForEachScenario(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range loadtest.MLPerf() {
		if seen[b.Name] || b.TTFT <= b.TPOT || b.TPOT <= 0 {
			t.Errorf("%+v", b)
		}
		seen[b.Name] = true
		found, err := loadtest.FindMLPerf(b.Name)
		if err != nil || found != b || len(b.Objectives()) != 2 {
			t.Errorf("%+v, %v", found, err)
		}
	}
	if b, err := loadtest.FindMLPerf("llama3.1-8b/interactive"); err != nil || b.Objectives().String() != "ttft=500ms,tpot=30ms" {
		t.Errorf("%v, %v", b, err)
	}
	if _, err := loadtest.FindMLPerf("llama3.1-8b/interactiv"); err == nil || !strings.Contains(err.Error(), "did you mean llama3.1-8b/interactive?") {
		t.Error(err)
	}
}
