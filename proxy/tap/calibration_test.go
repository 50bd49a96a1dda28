package tap_test

import (
	"fmt"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// ending is the end of an exchange as a decoder reports it: a stream of so many chunks of 8
// bytes each, after a request of so many bytes.
type ending struct {
	model   string
	asked   int
	chunks  int
	usage   exchange.Usage
	result  tap.Result
	status  int
	encoded bool // the request
}

// reported is an exchange whose provider reported its tokens: 3 in 2 chunks, and one in 4
// bytes of the request.
func reported(chunks int) ending {
	output := exchange.Known(int64(chunks * 3 / 2))
	return ending{model: "m", asked: 4000, chunks: chunks, status: 200, result: tap.Result{Outcome: exchange.OK},
		usage: exchange.Usage{Input: exchange.Known(1000), Output: output, Streamed: output, Source: exchange.Reported}}
}

// cut is an exchange whose client left before the usage came.
func cut(chunks int) ending {
	s := reported(chunks)
	output := exchange.Known(int64(chunks))
	s.usage = exchange.Usage{Output: output, Streamed: output, Source: exchange.Counted}
	s.result = tap.Result{Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled}
	return s
}

// provider is a tap for exchanges that a test makes up.
type provider struct {
	tap  *tap.Tap
	told *ledger
	now  ending
}

func newSpeaker() *provider {
	s := new(provider)
	ask := func() dialect.Ask {
		return dialect.Ask{Dialect: "script", Operation: exchange.Chat, Model: s.now.model, Stream: true}
	}
	s.tap, s.told = newTap(&script{ask: ask, close: func() dialect.Reply {
		return dialect.Reply{Ask: ask(), Chunks: chunksOf(s.now.chunks, 8), Events: s.now.chunks, Usage: s.now.usage, Complete: s.now.result.Outcome == exchange.OK}
	}})
	return s
}

// hear measures an exchange, and returns its usage.
func (s *provider) hear(of ending) exchange.Usage {
	s.now = of
	encoding := "identity"
	if of.encoded {
		encoding = "gzip"
	}
	x := s.tap.Begin(chat("Content-Encoding", encoding))
	x.RequestBody(make([]byte, of.asked))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(of.status, header("Content-Type", "text/event-stream"), tap.Now())
	chunk(x, "body")
	of.result.At = tap.Now()
	x.End(of.result)
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	return s.told.records[len(s.told.records)-1].Usage
}

// lately has s hear n reported exchanges of 100 to 199 chunks.
func (s *provider) lately(n int) *provider {
	for i := range n {
		s.hear(reported(100 + i%100))
	}
	return s
}

func TestTokensThatNobodyReportedAreEstimated(t *testing.T) {
	counted := cut(120).usage
	whole := exchange.Usage{
		Input: exchange.Known(1000), Output: exchange.Known(180), Streamed: exchange.Known(180),
		Source: exchange.Estimated, InputSource: exchange.Estimated, InputMargin: 1, OutputMargin: 2,
	}
	output := whole
	output.Input, output.InputSource, output.InputMargin = exchange.Count{}, "", 0
	input := counted
	input.Input, input.InputSource, input.InputMargin = whole.Input, exchange.Estimated, 1
	begun := output // the provider told the input at the start
	begun.Input, begun.InputSource = exchange.Known(7), exchange.Running
	running := exchange.Usage{Input: exchange.Known(7), Output: exchange.Known(170), Streamed: exchange.Known(170), Source: exchange.Running}
	for _, tt := range []struct {
		name   string
		lately int
		in     func(*ending)
		want   exchange.Usage
	}{
		{"after enough exchanges", 39, func(*ending) {}, whole},
		{"after too few", 38, func(*ending) {}, counted},
		{"of another model", 100, func(s *ending) { s.model = "n" }, counted},
		{"of no model", 100, func(s *ending) { s.model = "" }, counted},
		{"a longer answer than ever", 100, func(s *ending) { s.chunks = 400; s.usage = cut(400).usage }, func() exchange.Usage {
			u := cut(400).usage
			u.Input, u.InputSource, u.InputMargin = input.Input, exchange.Estimated, 1
			return u
		}()},
		{"a request unlike the others", 100, func(s *ending) { s.asked = 100 }, output},
		{"a compressed request", 100, func(s *ending) { s.encoded = true }, output},
		{"an input that came before the cut", 100, func(s *ending) { s.usage.Input = exchange.Known(7) }, begun},
		{"a running count", 100, func(s *ending) { s.usage = running }, running},
		{"an answer that did not begin", 100, func(s *ending) { s.chunks, s.usage = 0, exchange.Usage{} }, exchange.Usage{
			Input: whole.Input, Source: exchange.Estimated, InputSource: exchange.Estimated, InputMargin: 1,
		}},
		{"a request that was turned away", 100, func(s *ending) { s.chunks, s.usage, s.status = 0, exchange.Usage{}, 429 }, exchange.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, in := newSpeaker().lately(tt.lately), cut(120)
			tt.in(&in)
			if got := s.hear(in); got != tt.want {
				t.Errorf("%+v,\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestNoEstimateOfOutputWhereItWouldMislead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		learnt func(i int, s *ending)
		source exchange.Source
	}{
		{"answers that are alike", func(int, *ending) {}, exchange.Estimated},
		{"answers whose tokens differ in length", func(i int, s *ending) { s.usage.Output.N *= int64(1 + i%2); s.usage.Streamed = s.usage.Output }, exchange.Counted},
		{"reasoning that nobody sees", func(_ int, s *ending) { s.usage.Output.N += 1000 }, exchange.Counted},
		{"an odd one among a hundred", func(i int, s *ending) {
			if i == 9 {
				s.usage.Output.N *= 9
				s.usage.Streamed = s.usage.Output
			}
		}, exchange.Estimated},
		{"one token a chunk, as was counted", func(_ int, s *ending) {
			s.usage.Output = exchange.Known(int64(s.chunks))
			s.usage.Streamed = s.usage.Output
		}, exchange.Counted},
		{"answers that broke off", func(_ int, s *ending) { s.result.Outcome = exchange.UpstreamCut }, exchange.Counted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpeaker()
			for i := range 100 {
				learnt := reported(100 + i)
				tt.learnt(i, &learnt)
				s.hear(learnt)
			}
			if got := s.hear(cut(120)); got.Source != tt.source || got.OutputMargin > 0 != (tt.source == exchange.Estimated) {
				t.Errorf("%+v, want the source %q", got, tt.source)
			}
		})
	}
}

// TestAShortPartOfAnAnswerHasAWideMargin, up to the point where there is no estimate.
func TestAShortPartOfAnAnswerHasAWideMargin(t *testing.T) {
	s := newSpeaker()
	for i := range 100 {
		learnt := reported(100)
		learnt.usage.Output.N += int64(i%11 - 5)
		learnt.usage.Streamed = learnt.usage.Output
		s.hear(learnt)
	}
	before := 0.
	for _, chunks := range []int{100, 50, 25, 12} {
		u := s.hear(cut(chunks))
		share := float64(u.OutputMargin) / float64(u.Output.N)
		if u.Source != exchange.Estimated || share <= before || share > .4 {
			t.Errorf("%d chunks: %+v", chunks, u)
		}
		before = share
	}
	if u := s.hear(cut(3)); u.Source != exchange.Counted {
		t.Errorf("3 chunks: %+v", u)
	}
}

// TestACalibrationForgetsTheModelThatWasLongestUnused, so that its memory has a bound.
func TestACalibrationForgetsTheModelThatWasLongestUnused(t *testing.T) {
	s := newSpeaker().lately(50)
	kept := cut(120)
	kept.model = "kept"
	for range 50 {
		learnt := reported(150)
		learnt.model = "kept"
		s.hear(learnt)
	}
	for i := range 127 { // 126 beside the two are one too many
		learnt := reported(100)
		learnt.model = fmt.Sprint("other-", i)
		s.hear(learnt)
		s.hear(kept)
	}
	if u := s.hear(kept); u.Source != exchange.Estimated {
		t.Errorf("the model in use: %+v", u)
	}
	if u := s.hear(cut(120)); u.Source != exchange.Counted {
		t.Errorf("the one that nobody used: %+v", u)
	}
}
