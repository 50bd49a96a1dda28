package sidecar

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// watched is a tap with what a sidecar has behind it, in a bubble.
type watched struct {
	Sidecar

	metrics *prometheus.Exporter
}

func newWatched(t *testing.T, role exchange.Role) *watched {
	t.Helper()
	w := &watched{}
	var err error
	w.metrics, err = prometheus.New(prometheus.Config{
		Histograms: prometheus.Classic, Names: exporter.NewNames(8, 8), Live: exporter.Live{Silent: func() []exchange.Silent { return w.tap.Silent() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pauses = newPauses(role)
	w.tap = tap.New(tap.Config{Dialects: Dialects(), Observer: w.pauses.before(w.metrics), Role: role, Mode: exchange.Explicit})
	ctx, cancel := context.WithCancel(t.Context())
	// An observer that panics ends nothing.
	observers := []exchange.InterimObserver{w.metrics, faulty{}}
	go watchOpen(ctx, w.tap, observers, slog.New(slog.DiscardHandler))
	go w.pauses.watch(ctx, w.tap, observers, slog.New(slog.DiscardHandler))
	t.Cleanup(cancel)
	return w
}

// faulty is an observer that panics.
type faulty struct{}

func (faulty) ObserveInterim(exchange.Interim) { panic("faulty") }

// stream begins a stream whose upstream has the request.
func (w *watched) stream() *tap.Exchange {
	x := w.tap.Begin(tap.Request{
		Method: "POST", Path: "/v1/chat/completions", Upstream: exchange.Upstream{Host: "model", Port: 80}, Header: func(func(name, value []byte) bool) {}, Read: tap.Now(),
	})
	x.RequestBody([]byte(`{"model":"m","stream":true}`))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(200, func(yield func(name, value []byte) bool) { yield([]byte("Content-Type"), []byte("text/event-stream")) }, tap.Now())
	return x
}

// word reports a content chunk.
func word(x *tap.Exchange) {
	now := tap.Now()
	x.Chunk([][]byte{[]byte(`data: {"choices":[{"index":0,"delta":{"content":"word"}}]}` + "\n\n")}, now, now)
}

// series returns the value of each series whose name matches, as the scrape has it, in order.
func (w *watched) series(t *testing.T, name string) (all []string) {
	t.Helper()
	out := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for line := range strings.Lines(out.Body.String()) {
		if regexp.MustCompile(`^`+name+`[{ ]`).MatchString(line) && !strings.HasSuffix(line, " 0\n") {
			line = strings.NewReplacer(`model="m",operation="chat",`, "", `,upstream="model:80"`, "", `upstream="model:80",`, "").Replace(strings.TrimSpace(line))
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return all
}

func (w *watched) want(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := w.series(t, name); !slices.Equal(got, want) {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

// open is what GET /api/v1/open tells of the only open exchange.
func (w *watched) open(t *testing.T) live.Stream {
	t.Helper()
	out := httptest.NewRecorder()
	w.listOpen(out, httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/open", nil))
	var told struct{ Streams []live.Stream }
	if err := json.Unmarshal(out.Body.Bytes(), &told); err != nil || len(told.Streams) != 1 {
		t.Fatalf("%v: %s", err, out.Body)
	}
	return told.Streams[0]
}

// TestSilentStreamIsTold: a stream pauses for six minutes. Each age has it in its time, the
// list of open exchanges has it while it is silent, and it counts once when it goes on.
func TestSilentStreamIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, exchange.Client)
		x := w.stream()
		time.Sleep(time.Second)
		word(x)
		began, ages := time.Now(), []string(nil)
		for _, age := range []struct{ after, label string }{{"10s", "10s"}, {"30s", "30s"}, {"1m", "60s"}, {"5m", "300s"}} {
			after, err := time.ParseDuration(age.after)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(after - time.Since(began) - time.Millisecond)
			w.want(t, "headway_streams_silent", ages...)
			time.Sleep(time.Millisecond)
			ages = append(ages, `headway_streams_silent{age="`+age.label+`",phase="mid_stream"} 1`)
			slices.Sort(ages)
			w.want(t, "headway_streams_silent", ages...)
		}
		time.Sleep(time.Minute)
		if o := w.open(t); time.Duration(o.Silent) != 6*time.Minute || o.Phase != "streaming" || o.Over || !o.Stream || o.Tokens != 1 {
			t.Errorf("while it is silent it is %+v", o)
		}
		w.want(t, "headway_silences_total")
		word(x)
		time.Sleep(tap.InterimsEvery)
		w.want(t, "headway_streams_silent")
		const one = `{ended="resumed",phase="mid_stream"} `
		for range 2 { // while it goes on, and when it is over
			w.want(t, "headway_silences_total", "headway_silences_total"+one+"1")
			w.want(t, "headway_silence_seconds_sum", "headway_silence_seconds_sum"+one+"360")
			word(x)
			x.End(tap.Result{At: tap.Now(), Outcome: exchange.UpstreamCut})
		}
	})
}

// TestSilencesThatEndTheStreamAreTold: nobody hears more of such a stream.
func TestSilencesThatEndTheStreamAreTold(t *testing.T) {
	for outcome, ended := range map[exchange.Outcome]string{
		exchange.ClientGone: "client_gone", exchange.UpstreamCut: "cut", exchange.Timeout: "cut", exchange.Drained: "cut",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t, exchange.Client)
			x := w.stream()
			time.Sleep(time.Second)
			word(x)
			time.Sleep(40 * time.Second)
			w.want(t, "headway_streams_silent", `headway_streams_silent{age="10s",phase="mid_stream"} 1`, `headway_streams_silent{age="30s",phase="mid_stream"} 1`)
			x.End(tap.Result{At: tap.Now(), Outcome: outcome})
			w.want(t, "headway_streams_silent")
			w.want(t, "headway_silences_total", `headway_silences_total{ended="`+ended+`",phase="mid_stream"} 1`)
			w.want(t, "headway_silence_seconds_sum", `headway_silence_seconds_sum{ended="`+ended+`",phase="mid_stream"} 40`)
		})
	}
}

// TestTokensOfLongStreamCountWhileItRuns, and the sum is exact at its end.
func TestTokensOfLongStreamCountWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, exchange.Client)
		x := w.stream()
		last := -1.0
		for i := range 600 { // ten minutes
			time.Sleep(time.Second)
			word(x)
			if i%30 != 29 {
				continue
			}
			got := w.series(t, "headway_output_tokens_total")
			if len(got) != 1 {
				t.Fatalf("after %d s there is %q", i+1, got)
			}
			_, text, _ := strings.Cut(got[0], " ")
			var n float64
			if err := json.Unmarshal([]byte(text), &n); err != nil {
				t.Fatal(err)
			}
			if behind := float64(i+1) - n; behind < 0 || behind > 20 || n-last < 10 && last >= 0 {
				t.Errorf("after %d tokens it is %v, and was %v 30 s before", i+1, n, last)
			}
			last = n
		}
		w.want(t, "headway_tokens_total")
		now := tap.Now()
		x.Chunk([][]byte{[]byte(`data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":607}}` + "\n\ndata: [DONE]\n\n")}, now, now)
		x.End(tap.Result{At: now, Outcome: exchange.OK})
		w.want(t, "headway_output_tokens_total", `headway_output_tokens_total{upstream="model:80"} 607`)
		w.want(t, "headway_tokens_total", `headway_tokens_total{kind="input",source="reported"} 5`, `headway_tokens_total{kind="output",source="reported"} 607`)
	})
}

// TestWhosePauseItWas: of five streams beside a model server four stop together, and one by
// itself at another time.
func TestWhosePauseItWas(t *testing.T) {
	for _, role := range []exchange.Role{exchange.Server, exchange.Client} {
		t.Run(string(role), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, role)
				var streams []*tap.Exchange
				for range 5 {
					streams = append(streams, w.stream())
				}
				flow := func(of []*tap.Exchange, d time.Duration) {
					for range d / (100 * time.Millisecond) {
						time.Sleep(100 * time.Millisecond)
						for _, x := range of {
							word(x)
						}
					}
				}
				flow(streams, 5*time.Second)
				flow(streams[4:], 3*time.Second) // the engine pauses
				flow(streams, 5*time.Second)
				flow(streams[:4], 2*time.Second) // one request does
				flow(streams, 5*time.Second)
				for _, x := range streams {
					x.End(tap.Result{At: tap.Now(), Outcome: exchange.OK})
				}
				if role == exchange.Client {
					w.want(t, "headway_engine_pauses_total")
					w.want(t, "headway_stall_seconds_sum", `headway_stall_seconds_sum{by="upstream",upstream="model:80"} 14.5`) // 4 × 3.1 s + 2.1 s
					return
				}
				w.want(t, "headway_engine_pauses_total", `headway_engine_pauses_total{upstream="model:80"} 1`)
				w.want(t, "headway_engine_pause_seconds_sum", `headway_engine_pause_seconds_sum{upstream="model:80"} 3.1`)
				w.want(t, "headway_stall_seconds_sum",
					`headway_stall_seconds_sum{by="engine",upstream="model:80"} 12.5`,  // 4 × 3.1 s, and 0.1 s of the one that went on
					`headway_stall_seconds_sum{by="upstream",upstream="model:80"} 2.5`) // 4 × 0.1 s + 2.1 s
			})
		})
	}
}
