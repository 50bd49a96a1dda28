package live

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/chain"
)

func TestLanesShowTokensAndSilence(t *testing.T) {
	of := lanes{}
	f := frameOf(watched())
	f.Open = 2
	for i, tokens := range []int64{0, 1, 9, 9, 9} {
		f.Streams = []Stream{
			{ID: 1, Model: "quick", Phase: "streaming", Tokens: int64(i) * 4, Age: Seconds(time.Second)},
			{ID: 2, Upstream: "model:80", Phase: "streaming", Tokens: tokens, Age: Seconds(time.Minute), Silent: Seconds(3 * time.Second)},
		}
		of.see(f.Streams)
	}
	for id, want := range map[uint64]string{1: "████", 2: "▁█··"} {
		if got := of[id].String(); got != want {
			t.Errorf("lane %d is %s, want %s", id, got, want)
		}
	}
	text := strings.Join(f.lines(of, 80, 40), "\n")
	for _, want := range []string{"2 under way, the longest silence first", "quick ", "model:80 ", "quiet    3 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	of.see(nil)
	if len(of) != 0 {
		t.Errorf("%d lanes stay", len(of))
	}
}

// The line above the streams counts those that are silent, as the metric does.
func TestHeadOfStreamsCountsTheSilent(t *testing.T) {
	quiet := func(change func(*Stream)) Stream {
		s := Stream{Stream: true, Origin: "app", Silent: Seconds(10 * time.Second)}
		change(&s)
		return s
	}
	streams := []Stream{
		quiet(func(*Stream) {}),
		quiet(func(s *Stream) { s.Silent-- }),
		quiet(func(s *Stream) { s.Stream = false }),
		quiet(func(s *Stream) { s.Over = true }),
		quiet(func(s *Stream) { s.Origin = "canary" }),
	}
	for _, tt := range []struct {
		name    string
		open    int
		streams []Stream
		want    string
	}{
		{"one of all", 5, streams, "5 under way, 1 of them silent for 10 s, the longest silence first"},
		{"none", 4, streams[1:], "4 under way, the longest silence first"},
		{"all of a list that is not whole", 9, streams[:1], "9 under way, at least 1 of them silent for 10 s, the longest silence first"},
	} {
		f := Frame{Streams: tt.streams}
		f.Open = tt.open
		if got := f.streamsHead(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestScreenFitsWhateverItShows: no line is longer than the terminal, and none moves its
// cursor.
func TestScreenFitsWhateverItShows(t *testing.T) {
	f := frameOf(watched())
	for i := range 50 {
		f.Streams = append(f.Streams, Stream{ID: uint64(i), Model: "\x1b[2J\u202e" + strings.Repeat("long", 20), Phase: "waiting"})
		f.Chains = append(f.Chains, chain.Summary{Model: "\r\n\x1b[31m", Outcome: "exhausted", Steps: []chain.Step{{Status: 503, End: noon}, {Outcome: "ok"}}})
	}
	for _, size := range [][2]int{{80, 24}, {80, 60}, {40, 24}, {20, 5}, {200, 100}} {
		lines := f.lines(lanes{}, size[0], size[1])
		if len(lines) > size[1] {
			t.Errorf("%d lines on a terminal of %v", len(lines), size)
		}
		for _, line := range lines {
			if n := len([]rune(line)); n > size[0] || strings.ContainsAny(line, "\x1b\r\n\u202e") {
				t.Errorf("%v: %q", size, line)
			}
		}
	}
}

func TestWholeScreenIsGivenBack(t *testing.T) {
	var out bytes.Buffer
	s := Screen{out: &out, lanes: lanes{}, whole: true, size: func() (int, int) { return 80, 24 }}
	s.draw(frameOf(watched()))
	if text := out.String(); !strings.HasPrefix(text, home+"last 10 s") || !strings.HasSuffix(text, clearBelow) || strings.Contains(text, "\x1b[2J") {
		t.Errorf("it wrote %q", text)
	}
}
