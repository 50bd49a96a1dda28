package dialecttest

import (
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Describe renders a reply on one line. It leaves out what the reply does not know.
func Describe(r dialect.Reply) string {
	b := &strings.Builder{}
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"stream", r.Stream}, {"complete", r.Complete}, {"endless", r.Endless}, {"failed", r.Failed}, {"canceled", r.Canceled}, {"replay", r.Replay},
	} {
		if flag.set {
			fmt.Fprintf(b, "%s ", flag.name)
		}
	}
	fmt.Fprintf(b, "model=%s finish=%s", r.Model, strings.Join(r.FinishReasons, ","))
	describeUsage(b, &r.Usage)
	if e := r.Engine; e != (exchange.Engine{}) {
		fmt.Fprintf(b, " engine=%v/%v/%v", e.Queue.Time, e.Prefill.Time, e.Decode.Time)
	}
	describeStream(b, &r)
	if len(r.Notes) > 0 {
		fmt.Fprintf(b, " notes=%s", strings.Join(r.Notes, ","))
	}
	return b.String()
}

func describeUsage(b *strings.Builder, u *exchange.Usage) {
	fmt.Fprintf(b, " usage=%s", u.Source)
	for _, count := range []struct {
		name string
		exchange.Count
	}{
		{"in", u.Input}, {"out", u.Output}, {"cached", u.CacheRead}, {"written", u.CacheWrite},
		{"reasoning", u.Reasoning}, {"streamed", u.Streamed},
	} {
		if count.Known {
			fmt.Fprintf(b, " %s=%d", count.name, count.N)
		}
	}
	for _, part := range []struct {
		name string
		exchange.Count
	}{{"hour", u.CacheWriteHour}, {"audio", u.InputAudio}, {"image", u.InputImage}, {"spoken", u.OutputAudio}} {
		if part.N > 0 { // most providers name each part of a count, and most parts are 0
			fmt.Fprintf(b, " %s=%d", part.name, part.N)
		}
	}
}

// describeStream renders when events and content came. A content chunk is its
// millisecond, its tokens (0 where they are not known) and its bytes: 3:1/4.
func describeStream(b *strings.Builder, r *dialect.Reply) {
	if r.Events > 0 {
		fmt.Fprintf(b, " events=%d@%d", r.Events, r.FirstEvent.Milliseconds())
	}
	if r.Chunks.Count > 0 {
		fmt.Fprintf(b, " tokens@%d-%d", r.FirstToken.Milliseconds(), r.LastToken.Milliseconds())
		if r.FirstAnswer != r.FirstToken {
			fmt.Fprintf(b, " answer@%d", r.FirstAnswer.Milliseconds())
		}
	}
	for c := range r.Chunks.All() {
		fmt.Fprintf(b, " %d:%d/%d", c.At.Milliseconds(), c.Tokens, c.Bytes)
	}
}
