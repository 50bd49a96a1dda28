package tap_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestOutcome(t *testing.T) {
	whole := tap.Result{Outcome: exchange.OK}
	left := tap.Result{Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled}
	silent := tap.Result{Outcome: exchange.OK, Left: tap.Now() + tap.Instant(time.Hour)} // after the response's head
	complete, failed, short := &dialect.Reply{Complete: true}, &dialect.Reply{Complete: true, Failed: true}, &dialect.Reply{}
	endless := &dialect.Reply{Complete: true, Endless: true}
	const stream, document = "text/event-stream", "application/json"
	for _, tt := range []struct {
		name        string
		status      int
		contentType string
		result      tap.Result
		reply       *dialect.Reply // nil: no dialect
		outcome     exchange.Outcome
		errorType   exchange.ErrorType
	}{
		{"complete stream", 200, stream, whole, complete, exchange.OK, ""},
		{"stream without its terminator", 200, stream, whole, short, exchange.UpstreamCut, exchange.ErrTruncated},
		{"stream of no known dialect", 200, stream, whole, nil, exchange.OK, ""},
		{"error inside a stream", 200, stream, whole, failed, exchange.StreamError, exchange.ErrUpstreamEvent},
		{"client left after the terminator", 200, stream, left, complete, exchange.OK, ""},
		{"client left after an error inside the stream", 200, stream, left, failed, exchange.StreamError, exchange.ErrUpstreamEvent},
		{"client left behind a message that is no answer", 200, stream, left, &dialect.Reply{Failed: true, Unended: true}, exchange.ClientGone, exchange.ErrCanceled},
		{"message that is no answer ends a stream", 200, stream, whole, &dialect.Reply{Failed: true, Unended: true}, exchange.StreamError, exchange.ErrUpstreamEvent},
		{"client left a response that reports an error", 500, document, left, failed, exchange.ClientGone, exchange.ErrCanceled},
		{"client left a stream that has no terminator", 200, stream, left, endless, exchange.ClientGone, exchange.ErrCanceled},
		{"client ended its side and got all of a stream that has no terminator", 200, stream, silent, endless, exchange.OK, ""},
		{"stream that has no terminator", 200, stream, whole, endless, exchange.OK, ""},
		{"client left before the terminator", 200, stream, left, short, exchange.ClientGone, exchange.ErrCanceled},
		{"client left an error response", 500, document, left, complete, exchange.ClientGone, exchange.ErrCanceled},
		{"client left a response of no dialect", 200, stream, left, nil, exchange.ClientGone, exchange.ErrCanceled},
		{"client ended its side before a stream that then broke off politely", 200, stream, silent, short, exchange.ClientGone, exchange.ErrCanceled},
		{"client ended its side and got all of a stream", 200, stream, silent, complete, exchange.OK, ""},
		{"client ended its side and got an answer of no dialect", 200, document, silent, nil, exchange.OK, ""},
		{"client ended its side and was refused", 429, document, silent, short, exchange.Refused, "429"},
		{"document that breaks off", 200, document, whole, short, exchange.UpstreamCut, exchange.ErrTruncated},
		{"document that breaks off behind a client that ended its side", 200, document, silent, short, exchange.ClientGone, exchange.ErrCanceled},
		{"rate limited", 429, document, whole, failed, exchange.Refused, "429"},
		{"overloaded", 529, document, whole, failed, exchange.Refused, "529"},
		{"unavailable", 503, document, whole, nil, exchange.Refused, "503"},
		{"wrong request", 400, document, whole, failed, exchange.HTTPError, "400"},
		{"server error", 500, document, whole, nil, exchange.HTTPError, "500"},
		{"redirect", 307, document, whole, nil, exchange.OK, ""},
		{"cut", 200, stream, tap.Result{Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrTruncated}, short, exchange.UpstreamCut, exchange.ErrTruncated},
		{"cut after the terminator", 200, stream, tap.Result{Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrTruncated}, complete, exchange.UpstreamCut, exchange.ErrTruncated},
		{"drained", 200, stream, tap.Result{Outcome: exchange.Drained, ErrorType: exchange.ErrDraining}, short, exchange.Drained, exchange.ErrDraining},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var spoken dialect.Dialect = nobody{}
			if tt.reply != nil {
				spoken = &script{close: func() dialect.Reply {
					r := *tt.reply
					r.Dialect = "script"
					return r
				}}
			}
			of, told := newTap(spoken)
			x := of.Begin(chat())
			x.ResponseHead(tt.status, header("Content-Type", tt.contentType), tap.Now())
			chunk(x, "body")
			tt.result.At = tap.Now()
			x.End(tt.result)
			if r := told.only(t); r.Outcome != tt.outcome || r.ErrorType != tt.errorType || r.Status != tt.status {
				t.Errorf("recorded %q, %q, status %d; want %q, %q", r.Outcome, r.ErrorType, r.Status, tt.outcome, tt.errorType)
			}
		})
	}
}

// nobody is a dialect that nothing speaks.
type nobody struct{ *script }

func (nobody) Match(*dialect.Head) bool { return false }

func TestReplyOfAReplayHasNoTokenTimes(t *testing.T) {
	var chunks exchange.Chunks
	chunks.Add(exchange.Chunk{At: 2})
	chunks.Add(exchange.Chunk{At: 3})
	of, told := newTap(&script{close: func() dialect.Reply {
		return dialect.Reply{Ask: dialect.Ask{Dialect: "d"}, Complete: true, FirstEvent: 1, FirstToken: 2, LastToken: 3, Chunks: chunks, Replay: true, Notes: []string{"replay"},
			Engine: exchange.Engine{Prefill: exchange.Took(5)}}
	}})
	x := of.Begin(chat())
	end(x)
	r := told.only(t)
	if r.Timing.FirstToken != 0 || r.Timing.LastToken != 0 || r.Timing.FirstEvent != 1 || len(r.Notes) != 1 {
		t.Errorf("recorded %+v, notes %q", r.Timing, r.Notes)
	}
	if r.Engine != (exchange.Engine{}) {
		t.Errorf("the server's times are %+v, want none", r.Engine)
	}
	if r.Chunks.Count != 2 || r.Chunks.Kept() != 0 {
		t.Errorf("%d content chunks, the times of %d, want 2 and none", r.Chunks.Count, r.Chunks.Kept())
	}
}

func TestStreamThatWasTurnedAwayCountsAsAStream(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    string
		status int
		want   bool
	}{
		{"a stream was asked for, an error came", `{"model":"m","stream":true}`, 429, true},
		{"a stream was asked for, a document came", `{"model":"m","stream":true}`, 200, false},
		{"no stream was asked for", `{"model":"m"}`, 429, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of, told := newTap()
			x := of.Begin(chat())
			x.RequestBody([]byte(tt.ask))
			x.RequestRead(tap.Now())
			x.ResponseHead(tt.status, header("Content-Type", "application/json"), tap.Now())
			chunk(x, `{"object":"chat.completion"}`)
			end(x)
			if r := told.only(t); r.Stream != tt.want {
				t.Errorf("stream is %v, want %v", r.Stream, tt.want)
			}
		})
	}
}

// TestMomentOfAnErrorInsideAStream is when it came, not when the stream ended.
func TestMomentOfAnErrorInsideAStream(t *testing.T) {
	for _, coding := range []string{"identity", "gzip"} {
		t.Run(coding, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parts := []string{"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", "data: {\"error\":{\"message\":\"no\"}}\n\n", ": ping\n\n", "data: {\"error\":{\"message\":\"no more\"}}\n\n"}
				sent := [][]byte{[]byte(parts[0]), []byte(parts[1]), []byte(parts[2]), []byte(parts[3])}
				if coding == "gzip" {
					sent = compress(coding, parts...)
				}
				of, told := newTap()
				x := of.Begin(chat())
				x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", coding), tap.Now())
				for _, p := range sent {
					time.Sleep(100 * ms)
					chunk(x, string(p))
				}
				end(x)
				of.Wait()
				if r := told.only(t); r.Timing.Failed != 200*ms || r.Timing.End != 400*ms || r.Outcome != exchange.StreamError {
					t.Errorf("failed at %v, ended at %v, outcome %q", r.Timing.Failed, r.Timing.End, r.Outcome)
				}
			})
		})
	}
}

// Nothing but the end of its body says that sound is whole.
func TestSoundThatItsClientLeft(t *testing.T) {
	for _, c := range []struct {
		name   string
		result tap.Result
		want   exchange.Outcome
	}{
		{"in the middle", tap.Result{Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled}, exchange.ClientGone},
		{"at its end", tap.Result{Outcome: exchange.OK}, exchange.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			of, told := newTap()
			speech := chat()
			speech.Path = "/v1/audio/speech"
			x := of.Begin(speech)
			x.ResponseHead(200, header("Content-Type", "audio/mpeg"), tap.Now())
			chunk(x, "\xff\xfb\x90sound")
			c.result.At = tap.Now()
			x.End(c.result)
			if r := told.only(t); r.Outcome != c.want {
				t.Errorf("%s, want %s", r.Outcome, c.want)
			}
		})
	}
}
