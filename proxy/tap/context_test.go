package tap_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	traceID  = "0af7651916cd43dd8448eb211c80319c"
	spanID   = "b7ad6b7169203331"
	parentID = "00f067aa0ba902b7"
	sampled  = "00-" + traceID + "-" + spanID + "-01"
)

// sees returns the Record of a request with the given fields.
func sees(t *testing.T, fields ...string) exchange.Record {
	t.Helper()
	of, told := newTap(&script{})
	end(of.Begin(chat(fields...)))
	return told.only(t)
}

func TestTraceparent(t *testing.T) {
	want := exchange.Trace{TraceID: traceID, SpanID: spanID, Sampled: true}
	for _, tt := range []struct {
		name, value string
		want        exchange.Trace
	}{
		{"sampled", sampled, want},
		{"not sampled", "00-" + traceID + "-" + spanID + "-00", exchange.Trace{TraceID: traceID, SpanID: spanID}},
		{"other flags", "00-" + traceID + "-" + spanID + "-fd", want},
		{"later version", "cc-" + traceID + "-" + spanID + "-01", want},
		{"later version with more", "cc-" + traceID + "-" + spanID + "-01-more", want},
		{"later version with more, run together", "cc-" + traceID + "-" + spanID + "-01more", exchange.Trace{}},
		{"version 00 with more", sampled + "-more", exchange.Trace{}},
		{"version ff", "ff-" + traceID + "-" + spanID + "-01", exchange.Trace{}},
		{"version that is none", "0x-" + traceID + "-" + spanID + "-01", exchange.Trace{}},
		{"upper case", "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01", exchange.Trace{}},
		{"zero trace", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", exchange.Trace{}},
		{"zero span", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", exchange.Trace{}},
		{"flags that are none", "00-" + traceID + "-" + spanID + "-0g", exchange.Trace{}},
		{"short", "00-" + traceID + "-" + spanID + "-0", exchange.Trace{}},
		{"empty", "", exchange.Trace{}},
		{"wrong dashes", "00_" + traceID + "-" + spanID + "-01", exchange.Trace{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sees(t, "TraceParent", tt.value).Trace; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		if got := sees(t, "traceparent", sampled, "traceparent", sampled).Trace; got != (exchange.Trace{}) {
			t.Errorf("got %+v, want none", got)
		}
	})
}

func TestTraceState(t *testing.T) {
	long := "a=" + strings.Repeat("x", 254)
	for _, tt := range []struct {
		name   string
		fields []string
		want   string
	}{
		{"one member", []string{"tracestate", "ot=th:8"}, "ot=th:8"},
		{"as it came", []string{"tracestate", "congo=t61rcWkgMzE , rojo=00f0-67, ,t@v=a b"}, "congo=t61rcWkgMzE , rojo=00f0-67, ,t@v=a b"},
		{"several fields", []string{"tracestate", "a=1", "TraceState", "", "tracestate", "b=2,c=3"}, "a=1,b=2,c=3"},
		{"512 bytes", []string{"tracestate", "a=" + strings.Repeat("x", 510)}, "a=" + strings.Repeat("x", 510)},
		{"512 bytes in two", []string{"tracestate", long, "tracestate", long[:255]}, long + "," + long[:255]},
		{"513 bytes in two", []string{"tracestate", long, "tracestate", long}, ""},
		{"513 bytes, and more", []string{"tracestate", "a=" + strings.Repeat("x", 511), "tracestate", "b=2"}, ""},
		{"no list", []string{"tracestate", "a"}, ""},
		{"no key", []string{"tracestate", "a=1,=2"}, ""},
		{"no value", []string{"tracestate", "a="}, ""},
		{"upper case key", []string{"tracestate", "A=1"}, ""},
		{"no ASCII", []string{"tracestate", "a=1", "tracestate", "b=\xff"}, ""},
		{"two equals signs", []string{"tracestate", "a=1=2"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sees(t, append(tt.fields, "traceparent", sampled)...).Trace; got.State != tt.want || got.TraceID != traceID {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
			if got := sees(t, tt.fields...).Trace; got != (exchange.Trace{}) {
				t.Errorf("got %+v without traceparent", got)
			}
		})
	}
}

func TestB3(t *testing.T) {
	const short, ids, multi = "8448eb211c80319c", traceID + "-" + spanID, "X-B3-TraceId"
	none := exchange.Trace{}
	no := exchange.Trace{TraceID: traceID, SpanID: spanID}
	open := exchange.Trace{TraceID: traceID, SpanID: spanID, Undecided: true}
	yes := exchange.Trace{TraceID: traceID, SpanID: spanID, Sampled: true}
	padded := exchange.Trace{TraceID: "0000000000000000" + short, SpanID: spanID, Sampled: true}
	both := []string{multi, traceID, "X-B3-SpanId", spanID}
	for _, tt := range []struct {
		name   string
		fields []string
		want   exchange.Trace
	}{
		{"one field", []string{"b3", ids + "-1"}, yes},
		{"one field, not sampled", []string{"B3", ids + "-0"}, no},
		{"one field, debug", []string{"b3", ids + "-d"}, yes},
		{"one field, deferred", []string{"b3", ids}, open},
		{"one field with a parent", []string{"b3", ids + "-1-" + parentID}, yes},
		{"one field, 64 bits", []string{"b3", short + "-" + spanID + "-1"}, padded},
		{"one field, 64 bits, deferred", []string{"b3", short + "-" + spanID}, exchange.Trace{TraceID: padded.TraceID, SpanID: spanID, Undecided: true}},
		{"a decision alone", []string{"b3", "0"}, none},
		{"a decision alone, for it", []string{"b3", "1"}, none},
		{"a decision that is none", []string{"b3", ids + "-2"}, none},
		{"a decision in upper case", []string{"b3", ids + "-D"}, none},
		{"a decision of two", []string{"b3", ids + "-11"}, none},
		{"a decision that is empty", []string{"b3", ids + "-"}, none},
		{"a parent that is none", []string{"b3", ids + "-1-" + parentID[1:]}, none},
		{"a parent of zeros", []string{"b3", ids + "-1-0000000000000000"}, none},
		{"a parent and more", []string{"b3", ids + "-1-" + parentID + "-"}, none},
		{"upper case", []string{"b3", strings.ToUpper(ids) + "-1"}, none},
		{"zero trace", []string{"b3", strings.Repeat("0", 32) + "-" + spanID + "-1"}, none},
		{"zero span", []string{"b3", traceID + "-0000000000000000-1"}, none},
		{"a trace of another length", []string{"b3", traceID[1:] + "-" + spanID + "-1"}, none},
		{"a trace alone", []string{"b3", traceID}, none},
		{"empty", []string{"b3", ""}, none},
		{"one field twice", []string{"b3", ids + "-1", "b3", ids + "-1"}, none},

		{"several fields", append(both, "X-B3-Sampled", "1"), yes},
		{"several fields, not sampled", append(both, "x-b3-sampled", "0"), no},
		{"several fields, deferred", both, open},
		{"several fields, in words", append(both, "X-B3-Sampled", "true"), yes},
		{"several fields, in words against", append(both, "X-B3-Sampled", "false"), no},
		{"several fields, debug", append(both, "X-B3-Flags", "1"), yes},
		{"several fields, debug wins", append([]string{"X-B3-Flags", "1", "X-B3-Sampled", "0"}, both...), yes},
		{"several fields, no debug", append(both, "X-B3-Flags", "0"), open},
		{"several fields with a parent", append(both, "X-B3-ParentSpanId", parentID, "X-B3-Sampled", "1"), yes},
		{"several fields, 64 bits", []string{multi, short, "X-B3-SpanId", spanID, "X-B3-Sampled", "1"}, padded},
		{"several fields, one missing", []string{multi, traceID, "X-B3-Sampled", "1"}, none},
		{"several fields, one malformed", append(both, "X-B3-ParentSpanId", "x"), none},
		{"several fields, a flag that is none", append(both, "X-B3-Flags", "2"), none},
		{"several fields, a decision that is none", append(both, "X-B3-Sampled", "d"), none},
		{"several fields, one twice", append(both, multi, traceID), none},

		{"one field outweighs several", []string{multi, parentID, "X-B3-SpanId", parentID, "b3", ids + "-1", "X-B3-Sampled", "0"}, yes},
		{"one field that is malformed, too", append([]string{"b3", "x"}, both...), none},
		{"W3C outweighs both", []string{"b3", parentID + "-" + parentID + "-0", "traceparent", sampled, multi, parentID}, yes},
		{"W3C does not when it is malformed", []string{"traceparent", "00", "b3", ids + "-1", "tracestate", "a=1"}, yes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sees(t, tt.fields...).Trace; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSpanIsInTheClientsTrace(t *testing.T) {
	for _, fields := range [][]string{{"traceparent", sampled}, {"b3", traceID + "-" + spanID}} {
		if s := sees(t, fields...).Span; s.Trace.String() != traceID || s.ID == (exchange.SpanID{}) || s.ID.String() == spanID || s.Told {
			t.Errorf("span %+v of a client with %q", s, fields)
		}
	}
}

// TestSpansAreRandom: in 4096 ids every byte takes nearly all of its 256 values.
func TestSpansAreRandom(t *testing.T) {
	var values [24][256]bool
	for range 4096 {
		s := sees(t).Span
		for i, b := range append(s.Trace[:], s.ID[:]...) {
			values[i][b] = true
		}
	}
	for i := range values {
		n := 0
		for _, seen := range values[i] {
			if seen {
				n++
			}
		}
		if n < 240 {
			t.Errorf("byte %d has taken %d values", i, n)
		}
	}
}

func TestContextAllocatesLittle(t *testing.T) {
	of, _ := newTap(&script{})
	allocs := func(fields ...string) float64 {
		r := chat()
		r.Header = fixed(fields...)
		return testing.AllocsPerRun(200, func() { of.Begin(r) })
	}
	least := allocs()
	if n := testing.AllocsPerRun(100, func() { tap.NewSpan() }); n != 0 {
		t.Errorf("%v allocations for a span", n)
	}
	if n := allocs("traceparent", sampled, "b3", "0"); n > least+1 {
		t.Errorf("%v allocations with a context, %v without", n, least)
	}
}

// fixed is like header, but allocates before anybody reads it.
func fixed(fields ...string) exchange.Header {
	var parts [][]byte
	for _, f := range fields {
		parts = append(parts, []byte(f))
	}
	return func(yield func(name, value []byte) bool) {
		for i := 0; i < len(parts); i += 2 {
			if !yield(parts[i], parts[i+1]) {
				return
			}
		}
	}
}

func BenchmarkNewSpan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tap.NewSpan()
	}
}

var (
	traceForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanForm  = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// FuzzContext: the tap's context is well formed, and a reader of the upstream's fields
// finds headway's span in the same trace, with the same decision.
func FuzzContext(f *testing.F) {
	f.Add(sampled, "a=1", "", "", "", "", "", "")
	f.Add("", "", traceID+"-"+spanID+"-d-"+parentID, "", "", "", "", "")
	f.Add("", "", parentID+"-"+spanID, "", "", "", "", "")
	f.Add("", "", "0", "", "", "", "", "")
	f.Add("00-x", "a=1", "", traceID, spanID, parentID, "true", "0")
	f.Add("", "", "", parentID, spanID, "", "", "1")
	f.Add(sampled, "a=1", "", "", "", "", "0", "1")
	f.Fuzz(func(t *testing.T, w3c, state, single, trace, span, parent, sampled, flags string) {
		var fields []string
		for _, field := range [][2]string{
			{"traceparent", w3c}, {"tracestate", state}, {"b3", single}, {"x-b3-traceid", trace},
			{"x-b3-spanid", span}, {"x-b3-parentspanid", parent}, {"x-b3-sampled", sampled}, {"x-b3-flags", flags},
		} {
			if field[1] != "" {
				fields = append(fields, field[0], field[1])
			}
		}
		of, told := newTap(&script{})
		x := of.Begin(chat(fields...))
		on := forward(x.Tell(func(exchange.TraceID) bool { return true }), fields)
		end(x)
		r := told.only(t)
		if c := r.Trace; c != (exchange.Trace{}) && (!traceForm.MatchString(c.TraceID) || !spanForm.MatchString(c.SpanID) ||
			zeros(c.TraceID) || zeros(c.SpanID) || len(c.State) > 512 || c.TraceID != r.Span.Trace.String()) {
			t.Errorf("read %+v, span %+v", c, r.Span)
		}
		up := sees(t, on...).Trace
		want := exchange.Trace{TraceID: r.Span.Trace.String(), SpanID: r.Span.ID.String(), Sampled: up.Sampled, State: r.Trace.State}
		if up != want || (r.Trace.Sampled && !up.Sampled) {
			t.Errorf("%q goes on as %q, which is read as %+v; the span is %+v", fields, on, up, r.Span)
		}
	})
}

func zeros(s string) bool { return strings.Trim(s, "0") == "" }

// forward returns the fields as the upstream gets them.
func forward(c tap.Context, fields []string) []string {
	var on []string
	take := func(lines []byte) {
		for line := range strings.Lines(string(lines)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
			on = append(on, name, value)
		}
	}
	for i := 0; i < len(fields); i += 2 {
		line, replaced := c.Replace(nil, []byte(fields[i]))
		if !replaced {
			line = fmt.Appendf(nil, "%s: %s\r\n", fields[i], fields[i+1])
		}
		take(line)
	}
	take(c.AppendRest(nil))
	return on
}
