package proxy_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	clientTrace = "0af7651916cd43dd8448eb211c80319c"
	clientSpan  = "b7ad6b7169203331"
	otherSpan   = "00f067aa0ba902b7"
	w3c         = "00-" + clientTrace + "-" + clientSpan + "-"
	b3          = clientTrace + "-" + clientSpan
)

// injecting sends spans to upstreams, with the given decision on sampling.
func injecting(sampled func(exchange.TraceID) bool) option {
	return func(c *proxy.Config, _ *tap.Config) { c.Propagate, c.Sampled = proxy.Inject, sampled }
}

func yes(exchange.TraceID) bool { return true }

func no(exchange.TraceID) bool { return false }

// TestUpstreamGetsTheSpan compares all bytes of the head. TRACE and SPAN are the ids of
// the Record, whose trace is the client's if the client sent one.
func TestUpstreamGetsTheSpan(t *testing.T) {
	for _, tt := range []struct {
		name       string
		sampled    func(exchange.TraceID) bool
		sent, want string // fields
	}{
		{"client without a context, sampled", yes, "x-ONE:1\r\nX-Two: \t 2 \r\n", "x-ONE:1\r\nX-Two: \t 2 \r\ntraceparent: 00-TRACE-SPAN-03\r\n"},
		{"client without a context, not sampled", no, "A: b\r\n", "A: b\r\ntraceparent: 00-TRACE-SPAN-02\r\n"},
		{"nobody decides", nil, "", "traceparent: 00-TRACE-SPAN-02\r\n"},
		{"sampled by the client", no, "A: b\r\nTraceParent:" + w3c + "01\r\nC: d\r\n", "A: b\r\nTraceParent: 00-" + clientTrace + "-SPAN-01\r\nC: d\r\n"},
		{"not sampled by the client", yes, "traceparent: " + w3c + "00\r\n", "traceparent: 00-" + clientTrace + "-SPAN-00\r\n"},
		{"random flag of the client", yes, "traceparent: " + w3c + "03\r\n", "traceparent: 00-" + clientTrace + "-SPAN-03\r\n"},
		{"unknown flags and a later version", no, "traceparent: cc-" + w3c[3:] + "fc-x\r\n", "traceparent: 00-" + clientTrace + "-SPAN-00\r\n"},
		{"tracestate as it came", no, "tracestate:a=1 ,\r\ntraceparent: " + w3c + "01\r\nTraceState: b=2\r\n", "tracestate:a=1 ,\r\ntraceparent: 00-" + clientTrace + "-SPAN-01\r\nTraceState: b=2\r\n"},
		{"malformed traceparent", yes, "traceparent: 00-x\r\ntracestate: a=1\r\nA: b\r\n", "traceparent: 00-TRACE-SPAN-03\r\nA: b\r\n"},
		{"two traceparents", no, "traceparent: " + w3c + "01\r\nA: b\r\ntraceparent: " + w3c + "01\r\n", "traceparent: 00-TRACE-SPAN-02\r\nA: b\r\n"},
		{"tracestate without traceparent", no, "tracestate: a=1\r\n", "traceparent: 00-TRACE-SPAN-02\r\n"},
		{"context of this hop only", no, "Connection: traceparent\r\ntraceparent: " + w3c + "01\r\nA: b\r\n", "A: b\r\ntraceparent: 00-" + clientTrace + "-SPAN-01\r\n"},

		{"b3", no, "A: b\r\nB3: " + b3 + "-1\r\nC: d\r\n", "A: b\r\nB3: " + clientTrace + "-SPAN-1\r\nC: d\r\n"},
		{"b3, not sampled, parent", yes, "b3: " + b3 + "-0-" + otherSpan + "\r\n", "b3: " + clientTrace + "-SPAN-0-" + clientSpan + "\r\n"},
		{"b3, debug", no, "b3: " + b3 + "-d\r\n", "b3: " + clientTrace + "-SPAN-d\r\n"},
		{"b3, deferred", yes, "b3: " + b3 + "\r\n", "b3: " + clientTrace + "-SPAN-1\r\n"},
		{"b3, deferred, nobody decides", nil, "b3: " + b3 + "\r\n", "b3: " + clientTrace + "-SPAN\r\n"},
		{"b3 of 64 bits", no, "b3: 8448eb211c80319c-" + clientSpan + "-1\r\n", "b3: 8448eb211c80319c-SPAN-1\r\n"},
		{"b3, a decision alone", yes, "b3: 0\r\n", "b3: TRACE-SPAN-0\r\n"},
		{"b3 that is malformed", no, "b3: x\r\n", "b3: x\r\ntraceparent: 00-TRACE-SPAN-02\r\n"},
		{"b3 of this hop only", no, "Connection: b3\r\nb3: " + b3 + "-1\r\n", "b3: " + clientTrace + "-SPAN-1\r\n"},
		{
			"b3 in several fields", no,
			"X-B3-TraceId: " + clientTrace + "\r\nA: b\r\nx-b3-parentspanid: " + otherSpan + "\r\nX-B3-SpanId: " + clientSpan + "\r\nX-B3-Sampled: true\r\n",
			"X-B3-TraceId: " + clientTrace + "\r\nA: b\r\nx-b3-parentspanid: " + clientSpan + "\r\nX-B3-SpanId: SPAN\r\nX-B3-Sampled: 1\r\n",
		},
		{
			"b3 in several fields, debug", no,
			"X-B3-TraceId: " + clientTrace + "\r\nX-B3-SpanId: " + clientSpan + "\r\nX-B3-Flags: 1\r\n",
			"X-B3-TraceId: " + clientTrace + "\r\nX-B3-SpanId: SPAN\r\nX-B3-Flags: 1\r\n",
		},
		{
			"b3 in several fields, deferred", no,
			"X-B3-TraceId: " + clientTrace + "\r\nX-B3-SpanId: " + clientSpan + "\r\n",
			"X-B3-TraceId: " + clientTrace + "\r\nX-B3-SpanId: SPAN\r\nX-B3-Sampled: 0\r\n",
		},
		{"b3 in several fields, a decision alone", no, "X-B3-Sampled: 1\r\nA: b\r\n", "X-B3-Sampled: 1\r\nA: b\r\nX-B3-TraceId: TRACE\r\nX-B3-SpanId: SPAN\r\n"},
		{
			"both, which are to say the same", no,
			"b3: " + otherSpan + otherSpan + "-" + otherSpan + "-0\r\ntraceparent: " + w3c + "01\r\n",
			"b3: " + clientTrace + "-SPAN-1\r\ntraceparent: 00-" + clientTrace + "-SPAN-01\r\n",
		},
		{
			"b3 and a malformed traceparent", no, "b3: " + b3 + "-1\r\ntraceparent: x\r\ntracestate: a=1\r\n",
			"b3: " + clientTrace + "-SPAN-1\r\ntraceparent: 00-" + clientTrace + "-SPAN-01\r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, host, head := forwarded(t, "GET /a?b HTTP/1.1\r\nHost: a\r\n"+tt.sent+"\r\n", injecting(tt.sampled))
			want := strings.NewReplacer("TRACE", r.Span.Trace.String(), "SPAN", r.Span.ID.String()).Replace(tt.want)
			if want = "GET /a?b HTTP/1.1\r\nHost: " + host + "\r\n" + want + "\r\n"; head != want {
				t.Errorf("upstream got\n%q, want\n%q", head, want)
			}
			if !r.Span.Told {
				t.Error("the Record does not say that the upstream was told")
			}
		})
	}
}

// forwarded sends a request with a head and no body through a proxy. It returns the
// Record, the upstream's name and the head that the upstream received.
func forwarded(t *testing.T, sent string, options ...option) (r exchange.Record, host, head string) {
	t.Helper()
	heads := make(chan string, 1)
	u := newUpstream(t, func(p *peer) {
		heads <- p.head()
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url, options...)
	c := f.dial()
	c.send(sent)
	head = <-heads
	return f.want(exchange.OK, "", 200), strings.TrimPrefix(u.url, "http://"), head
}

func TestNobodyIsToldUnlessAsked(t *testing.T) {
	sent := "GET / HTTP/1.1\r\nHost: HOST\r\nTraceParent:" + w3c + "01\r\ntracestate: a=1\r\nb3: " + b3 + "\r\n\r\n"
	r, host, head := forwarded(t, sent)
	if want := strings.Replace(sent, "HOST", host, 1); head != want || r.Span.Told || r.Span.Trace.String() != clientTrace {
		t.Errorf("upstream got %q, told %+v", head, r.Span)
	}
}

func TestWhoIsNotReachedIsNotTold(t *testing.T) {
	dead := listen(t)
	_ = dead.Close()
	f := newFixture(t, "http://"+dead.Addr().String(), injecting(yes))
	f.dial().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r := f.record(); r.Span.Told || r.Span.ID == (exchange.SpanID{}) {
		t.Errorf("recorded %+v", r.Span)
	}
}

// TestRedirectedRequestsStayAsTheyAre under every Propagation.
func TestRedirectedRequestsStayAsTheyAre(t *testing.T) {
	const sent = "GET / HTTP/1.1\r\nHost: a\r\nb3: 0\r\nTraceParent:" + w3c + "01\r\n\r\n"
	u := newUpstream(t, func(p *peer) {
		p.expect(sent)
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url, injecting(yes))
	f.addr = f.redirect(strings.TrimPrefix(u.url, "http://"))
	c := f.dial()
	c.send(sent)
	c.expect(okay)
	if r := f.want(exchange.OK, "", 200); r.Span.Told || r.Span.Trace.String() != clientTrace {
		t.Errorf("recorded %+v", r.Span)
	}
}
