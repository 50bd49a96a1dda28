package tap_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// answer is a stream of the simulator, with its truth.
type answer struct {
	request []byte
	events  []string
	truth   modelsim.Exchange
}

// askSimulator asks the simulator a question of 100 to 600 words.
func askSimulator(t *testing.T, sim *modelsim.Server, roll *rand.Rand) answer {
	words := strings.Fields("the of quick question about infrastructure a model and its remarkably long answer to users who read it while they wait")
	question := make([]string, 100+roll.IntN(500))
	for i := range question {
		question[i] = words[roll.IntN(len(words))]
	}
	body, err := json.Marshal(map[string]any{
		"model": "sim", "stream": true, "stream_options": map[string]bool{"include_usage": true},
		"messages": []map[string]string{{"role": "user", "content": strings.Join(question, " ")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(string(body)))
	response := httptest.NewRecorder()
	sim.Handler().ServeHTTP(response, request)
	truth, ok := sim.Exchange(response.Header().Get("X-Request-Id"))
	if !ok || response.Code != 200 {
		t.Fatalf("status %d: %s", response.Code, response.Body)
	}
	return answer{body, strings.SplitAfter(response.Body.String(), "\n\n"), truth}
}

// measure has of measure a, or its first so many content chunks, after which the client
// leaves. 0 is all of it.
func (a *answer) measure(of *tap.Tap, chunks int) {
	x := of.Begin(chat())
	x.RequestBody(a.request)
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
	for seen, i := 0, 0; i < len(a.events) && (chunks == 0 || seen < chunks); i++ {
		chunk(x, a.events[i])
		if strings.Contains(a.events[i], `"delta":{"content":"`) && !strings.Contains(a.events[i], `"content":""`) {
			seen++
		}
	}
	result := tap.Result{Outcome: exchange.OK, At: tap.Now()}
	if chunks > 0 {
		result.Outcome, result.ErrorType = exchange.ClientGone, exchange.ErrCanceled
	}
	x.End(result)
}

// TestEstimatesKeepTheirMarginOnSimulatedTraffic: a server with speculative decoding, which
// sends up to five tokens in a chunk. The simulator knows the tokens of each chunk.
func TestEstimatesKeepTheirMarginOnSimulatedTraffic(t *testing.T) {
	const learnt, cuts = 128, 300
	synctest.Test(t, func(t *testing.T) {
		config := modelsim.DefaultConfig()
		config.DraftTokens, config.DraftAcceptance, config.OutputMedian, config.OutputSpread = 4, .6, 150, .4
		config.TokenBudget = 2048
		sim, err := modelsim.New(config, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sim.Close() }()
		of, told := newTap()
		roll := rand.New(rand.NewPCG(12, 2026))
		for range learnt {
			a := askSimulator(t, sim, roll)
			a.measure(of, 0)
		}
		estimated, output, input := 0, 0, 0
		var margins, counted float64
		for range cuts {
			a := askSimulator(t, sim, roll)
			chunks := 1 + roll.IntN(len(a.truth.Chunks))
			a.measure(of, chunks)
			truth := int64(0)
			for _, k := range a.truth.Chunks[:chunks] {
				truth += int64(k.Tokens)
			}
			u := told.records[len(told.records)-1].Usage
			if u.InputSource != exchange.Estimated || u.InputMargin*4 > u.Input.N {
				t.Fatalf("no estimate of the input: %+v", u)
			}
			input += within(u.Input.N, u.InputMargin, int64(a.truth.PromptTokens))
			if u.Source != exchange.Estimated {
				continue
			}
			estimated++
			output += within(u.Output.N, u.OutputMargin, truth)
			margins += float64(u.OutputMargin) / float64(u.Output.N)
			counted += float64(truth-int64(chunks)) / float64(truth)
		}
		t.Logf("of %d streams that broke off, %d got an estimate of their output: %.1f %% of them within its margin, of %.1f %% on average (one token a chunk is off by %.1f %%); input: %.1f %%",
			cuts, estimated, 100*float64(output)/float64(estimated), 100*margins/float64(estimated), 100*counted/float64(estimated), 100*float64(input)/cuts)
		if estimated < cuts*2/3 || output*20 < estimated*19 || input*20 < cuts*19 {
			t.Errorf("%d estimates of output, %d of them right; %d of input", estimated, output, input)
		}
	})
}

// within is 1 if truth lies within the margin of n.
func within(n, margin, truth int64) int {
	if off := n - truth; off < -margin || off > margin {
		return 0
	}
	return 1
}
