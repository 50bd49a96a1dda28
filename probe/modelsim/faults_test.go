package modelsim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestFaultsInAStream(t *testing.T) {
	tests := []struct {
		fault   string
		status  int // 0: no head
		tokens  int
		outcome modelsim.Outcome
		done    bool // the terminator arrives
		broken  bool // the body breaks off
		check   func(t *testing.T, ex modelsim.Exchange, r reply)
	}{
		{fault: "", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true},
		{fault: "stall=2s@10", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true,
			check: func(t *testing.T, ex modelsim.Exchange, _ reply) {
				want := slices.Concat(repeat(9, 11*ms), repeat(1, 2011*ms), repeat(9, 11*ms))
				if got := ex.Gaps(); !slices.Equal(got, want) {
					t.Errorf("gaps %v, want %v", got, want)
				}
			}},
		{fault: "stall=2s", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true,
			check: func(t *testing.T, ex modelsim.Exchange, _ reply) {
				if want := 2051 * ms; ex.TTFT() != want || ex.HeadAt != ex.ReceivedAt {
					t.Errorf("TTFT %v, head after %v; want %v and 0", ex.TTFT(), time.Duration(ex.HeadAt-ex.ReceivedAt), want)
				}
			}},
		{fault: "slow-head=3s", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true,
			check: func(t *testing.T, ex modelsim.Exchange, _ reply) {
				if head := time.Duration(ex.HeadAt - ex.ReceivedAt); head != 3*time.Second || ex.TTFT() != 3051*ms {
					t.Errorf("head after %v, TTFT %v; want 3s and 3.051s", head, ex.TTFT())
				}
			}},
		{fault: "slow=1.5", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true,
			check: func(t *testing.T, ex modelsim.Exchange, _ reply) {
				if want := repeat(19, 16500*time.Microsecond); ex.TTFT() != 76500*time.Microsecond || !slices.Equal(ex.Gaps(), want) {
					t.Errorf("TTFT %v, gaps %v; want 76.5ms, %v", ex.TTFT(), ex.Gaps(), want)
				}
			}},
		{fault: "cut", outcome: modelsim.OutcomeFault},
		{fault: "cut@0", status: 200, outcome: modelsim.OutcomeFault, broken: true},
		{fault: "cut@7", status: 200, tokens: 7, outcome: modelsim.OutcomeFault, broken: true},
		{fault: "cut@21", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true},
		{fault: "reset@7", status: 200, tokens: 7, outcome: modelsim.OutcomeFault, broken: true},
		{fault: "error@7", status: 200, tokens: 7, outcome: modelsim.OutcomeFault, done: true,
			check: func(t *testing.T, _ modelsim.Exchange, r reply) {
				if list := events(r.body); !strings.HasPrefix(list[len(list)-2], `{"error":{"message":`) {
					t.Errorf("no error before the terminator: %s", list)
				}
			}},
		{fault: "garbage@7", status: 200, tokens: 20, outcome: modelsim.OutcomeOK, done: true,
			check: func(t *testing.T, _ modelsim.Exchange, r reply) {
				// A role chunk and seven tokens come before it.
				for i, data := range events(r.body) {
					if valid := json.Valid([]byte(data)) || data == "[DONE]"; valid == (i == 8) {
						t.Errorf("event %d is valid: %v, %s", i, valid, data)
					}
				}
			}},
		{fault: "garbage=http", outcome: modelsim.OutcomeFault},
		{fault: "http=500", status: 500, outcome: modelsim.OutcomeFault},
		{fault: "http=503", status: 503, outcome: modelsim.OutcomeFault,
			check: func(t *testing.T, _ modelsim.Exchange, r reply) {
				if got := r.header.Get("Retry-After"); got != "1" {
					t.Errorf("retry-after %q, want 1", got)
				}
			}},
		{fault: "nonsense", status: 400, outcome: modelsim.OutcomeRefused},
		{fault: "garbage@3,stall=1s@5,cut@7", status: 200, tokens: 7, outcome: modelsim.OutcomeFault, broken: true,
			check: func(t *testing.T, ex modelsim.Exchange, _ reply) {
				if want := slices.Concat(repeat(4, 11*ms), repeat(1, 1011*ms), repeat(1, 11*ms)); !slices.Equal(ex.Gaps(), want) {
					t.Errorf("gaps %v, want %v", ex.Gaps(), want)
				}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, exact())
				r := h.post(chatPath, chat(10, "a", ""), "X-Sim-Fault", tt.fault)
				synctest.Wait()
				ex := h.last()
				if ex.Status != tt.status || r.status != tt.status || ex.Outcome != tt.outcome || ex.ShownTokens() != tt.tokens {
					t.Errorf("status %d (client saw %d), outcome %s, %d tokens; want %d, %s, %d",
						ex.Status, r.status, ex.Outcome, ex.ShownTokens(), tt.status, tt.outcome, tt.tokens)
				}
				if (r.err != nil) != (tt.broken || tt.status == 0) {
					t.Errorf("client's error is %v", r.err)
				}
				if done := strings.HasSuffix(string(r.body), "data: [DONE]\n\n"); done != tt.done {
					t.Errorf("terminated: %v, want %v, by %q", done, tt.done, r.body)
				}
				// A break before the first token strikes when that has been generated.
				if want := max(tt.tokens, 1); tt.status == 200 && ex.OutputTokens != want {
					t.Errorf("%d tokens generated, want %d", ex.OutputTokens, want)
				}
				if s := h.sim.Stats(); s.Running != 0 || s.Waiting != 0 {
					t.Errorf("%d running and %d waiting, want none", s.Running, s.Waiting)
				}
				if tt.check != nil {
					tt.check(t, ex, r)
				}
			})
		})
	}
}

func TestFaultsInAWholeAnswer(t *testing.T) {
	const body = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`
	tests := []struct {
		fault   string
		status  int
		outcome modelsim.Outcome
		err     error
		json    bool
	}{
		{"cut@3", 200, modelsim.OutcomeFault, io.ErrUnexpectedEOF, false},
		{"error@3", 500, modelsim.OutcomeFault, nil, true},
		{"garbage", 200, modelsim.OutcomeFault, nil, false},
		{"stall=2s@3", 200, modelsim.OutcomeOK, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, exact())
				r := h.post(chatPath, body, "X-Sim-Fault", tt.fault)
				synctest.Wait()
				ex := h.last()
				if r.status != tt.status || ex.Outcome != tt.outcome || !errors.Is(r.err, tt.err) || json.Valid(r.body) != tt.json {
					t.Errorf("status %d, outcome %s, error %v, body %q", r.status, ex.Outcome, r.err, r.body)
				}
			})
		})
	}
}

func TestResetReachesTheClientAsSuch(t *testing.T) {
	sim, err := modelsim.New(modelsim.FastConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	server := httptest.NewServer(sim.Handler())
	defer server.Close()
	read := func(fault string) error {
		req, err := http.NewRequest(http.MethodPost, server.URL+chatPath, strings.NewReader(chat(10, "a", "")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Sim-Fault", fault)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	}
	if err := read("reset@3"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset@3 gave %v, want a connection reset", err)
	}
	var reset *net.OpError
	if err := read("cut@3"); !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &reset) {
		t.Errorf("cut@3 gave %v, want an unexpected end", err)
	}
}

func TestRandomFaultsStrikeWithTheirProbability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := exact()
		cfg.OutputMedian = 1
		rules, err := modelsim.ParseFaultRules("http=500:0.25, garbage@1:0.1")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = rules
		h := start(t, cfg)
		const requests = 400
		struck := map[string]int{}
		for range requests {
			h.post(chatPath, chat(10, "a", ""))
			for fault := range strings.SplitSeq(h.last().Fault, ",") {
				struck[fault]++
			}
		}
		// Five standard deviations of the binomial distribution either way.
		if n := struck["http=500"]; n < 57 || n > 143 {
			t.Errorf("http=500 struck %d of %d, want about 100", n, requests)
		}
		if n := struck["garbage@1"]; n < 10 || n > 70 {
			t.Errorf("garbage@1 struck %d of %d, want about 40", n, requests)
		}
	})
}

func TestFaultsAreReplacedWhileItRuns(t *testing.T) {
	s, err := modelsim.New(exact(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	put := func(rules string) (int, string) {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/sim/faults", strings.NewReader(rules)))
		return w.Code, w.Body.String()
	}
	ask := func() int {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(chat(10, "a", ""))))
		return w.Code
	}
	if status := ask(); status != 200 {
		t.Errorf("before any fault: status %d", status)
	}
	if status, list := put("http=503:1"); status != 200 || list != "http=503:1\n" {
		t.Errorf("replacing them gave %d, %q", status, list)
	}
	if status := ask(); status != 503 {
		t.Errorf("with a fault that always strikes: status %d", status)
	}
	for _, wrong := range []string{"melt:1", "http=503:2", strings.Repeat("x", 5000)} {
		if status, _ := put(wrong); status != 400 {
			t.Errorf("%.20q was taken: %d", wrong, status)
		}
	}
	if status := ask(); status != 503 {
		t.Errorf("after refused lists: status %d", status)
	}
	if status, list := put(""); status != 200 || list != "" {
		t.Errorf("emptying them gave %d, %q", status, list)
	}
	if status := ask(); status != 200 {
		t.Errorf("after all faults were taken back: status %d", status)
	}
}

func TestParseFaults(t *testing.T) {
	tests := []struct {
		in, want string // want is how it prints again, or the error
		bad      bool
	}{
		{in: "", want: ""},
		{in: "stall=2s@10", want: "stall=2s@10"},
		{in: "stall=1500ms", want: "stall=1.5s"},
		{in: "slow=1.25,slow=0.5", want: "slow=1.25,slow=0.5"},
		{in: " slow-head=3s , cut@0", want: "slow-head=3s,cut@0"},
		{in: "uncached", want: "uncached"},
		{in: "uncached@3", bad: true, want: `fault "uncached@3": uncached strikes before the first token, as in uncached`},
		{in: "uncached=3", bad: true, want: `fault "uncached=3": uncached takes no value, as in uncached`},
		{in: "cut", want: "cut"},
		{in: "reset@4", want: "reset@4"},
		{in: "error", want: "error"},
		{in: "error=529@4", want: "error=529@4"},
		{in: "error=200@4", bad: true, want: `fault "error=200@4": "200" is not an error status, as in error=529@15`},
		{in: "garbage@2,garbage=http", want: "garbage@2,garbage=http"},
		{in: "http=503", want: "http=503"},
		{in: "http=200", bad: true, want: `fault "http=200": "200" is not an error status, as in http=503`},
		{in: "slow=0", bad: true, want: `fault "slow=0": "0" is not a factor from 0.01 to 100, as in slow=1.25`},
		{in: "stall@3", bad: true, want: `fault "stall@3": "" is not a duration, as in stall=1s@12`},
		{in: "cut=3", bad: true, want: `fault "cut=3": cut takes no value, as in cut@20`},
		{in: "cut@-1", bad: true, want: `fault "cut@-1": "-1" is not a number of tokens, as in cut@20`},
		{in: "http=500@3", bad: true, want: `fault "http=500@3": http=500 strikes before the first token, as in http=503`},
		{in: "garbage=xml", bad: true, want: `fault "garbage=xml": "xml" is not a kind of garbage, only http is, as in garbage=http`},
		{in: "melt", bad: true, want: `fault "melt": "melt" is not a kind of fault`},
	}
	for _, tt := range tests {
		faults, err := modelsim.ParseFaults(tt.in)
		var printed []string
		for _, f := range faults {
			printed = append(printed, f.String())
		}
		got := strings.Join(printed, ",")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("ParseFaults(%q) gives %s, want %s", tt.in, got, tt.want)
		}
	}
	for _, in := range []string{"cut", "cut:", "cut:1.5", "cut:-1", "cut:NaN", "melt:0.5"} {
		if _, err := modelsim.ParseFaultRules(in); err == nil {
			t.Errorf("ParseFaultRules(%q) accepts it", in)
		}
	}
}

func TestEveryKindOfFaultHasAnExampleThatWorks(t *testing.T) {
	for _, form := range modelsim.FaultForms() {
		rules, err := modelsim.ParseFaultRules(form.Example)
		if err != nil || len(rules) != 1 || rules[0].Kind != form.Kind || rules[0].String() != form.Example || form.Does == "" {
			t.Errorf("%s: %q reads as %v, %v", form.Kind, form.Example, rules, err)
		}
	}
}

func TestAWrongFaultIsShownARightOne(t *testing.T) {
	for in, want := range map[string]string{
		"http=503":       `fault rule "http=503": want fault:probability with a probability from 0 to 1, as in http=503:0.5`,
		"http=2:0.5":     `fault rule "http=2:0.5": "2" is not an error status, as in http=503`,
		"stall=2:0.5":    `fault rule "stall=2:0.5": "2" is not a duration, as in stall=1s@12`,
		"cut@x:0.5":      `fault rule "cut@x:0.5": "x" is not a number of tokens, as in cut@20`,
		"http=503@3:0.5": `fault rule "http=503@3:0.5": http=503 strikes before the first token, as in http=503`,
		"htpp=503:0.5":   `fault rule "htpp=503:0.5": "htpp" is not a kind of fault`,
	} {
		if _, err := modelsim.ParseFaultRules(in); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
