package tap_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

func TestPanickingDecoderIsDetached(t *testing.T) {
	boom := func() { panic("boom") }
	for _, coding := range []string{"identity", "gzip"} {
		for _, tt := range []struct {
			name    string
			decoder *script
			dialect string // that the record still has
		}{
			{"Request", &script{request: func([]byte) { boom() }}, "script"},
			{"Ask", &script{ask: func() dialect.Ask { boom(); return dialect.Ask{} }}, ""},
			{"Feed", &script{feed: func([]byte, time.Duration) { boom() }}, "script"},
			{"Close", &script{close: func() dialect.Reply { boom(); return dialect.Reply{} }}, "script"},
		} {
			t.Run(tt.name+", "+coding, func(t *testing.T) {
				of, told := newTap(tt.decoder)
				x := of.Begin(chat())
				x.RequestBody([]byte("a"))
				x.RequestRead(tap.Now())
				x.ResponseHead(200, header("Content-Type", "text/event-stream", "Content-Encoding", coding), tap.Now())
				body := "data"
				if coding == "gzip" {
					body = string(compress("gzip", body)[0])
				}
				chunk(x, body)
				chunk(x, body)
				end(x)
				of.Wait()
				r := told.only(t)
				if r.Outcome != exchange.OK || !slices.Equal(r.Notes, []string{"decoder_panic"}) || r.Dialect != tt.dialect || r.Bytes.Out != 2*int64(len(body)) {
					t.Errorf("recorded %q, notes %q, dialect %q, %d bytes", r.Outcome, r.Notes, r.Dialect, r.Bytes.Out)
				}
				if n := of.Detached()["panic"]; n != 1 {
					t.Errorf("counted %d, want 1", n)
				}
			})
		}
	}
}

// TestSlowDecoderIsDetached when it is slow again and again; once may be the system,
// which stops a process for a while.
func TestSlowDecoderIsDetached(t *testing.T) {
	for _, tt := range []struct {
		name  string
		takes []time.Duration
		want  int // feeds
	}{
		{"quick", []time.Duration{ms, ms, ms, ms}, 4},
		{"slow at times", []time.Duration{time.Second, time.Second, ms, time.Second, time.Second}, 5},
		{"slow always", []time.Duration{300 * ms, 300 * ms, 300 * ms, 300 * ms}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fed := 0
				of, told := newTap(&script{feed: func([]byte, time.Duration) {
					time.Sleep(tt.takes[fed])
					fed++
				}})
				x := of.Begin(chat())
				x.ResponseHead(200, header(), tap.Now())
				for range tt.takes {
					chunk(x, "a")
				}
				end(x)
				detached := tt.want < len(tt.takes)
				if r := told.only(t); fed != tt.want || slices.Contains(r.Notes, "decoder_slow") != detached || r.Bytes.Out != int64(len(tt.takes)) {
					t.Errorf("fed %d of %d, notes %q, %d bytes", fed, len(tt.takes), r.Notes, r.Bytes.Out)
				}
				if n := of.Detached()["slow"]; (n == 1) != detached {
					t.Errorf("counted %d", n)
				}
			})
		})
	}
}
