package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

// promptWrite is the longest write, in nanoseconds, of which the beginning tells when the bytes arrived.
const promptWrite = 50_000

// truthResult says how far the times that headway recorded are from the true ones, in nanoseconds. On
// loopback bytes arrive in the kernel of the receiver while their sender writes them, some microseconds after the
// beginning of the write. So the beginnings are the truth, if the writes were prompt.
type truthResult struct {
	Unknown int       `json:"unknown"`          // exchanges that do not count, because other work interrupted a write
	TTFT    quantiles `json:"ttft,omitzero"`    // against: the client's write of the request to the upstream's write of the first token
	Gap     quantiles `json:"gap,omitzero"`     // against: the upstream's writes of two tokens
	Arrival quantiles `json:"arrival,omitzero"` // the moment of the first token; none if somebody set the wall clock
}

// truthMeasures lists the lines of the report that say how true the recorded times are. Only beside busy threads
// there is a limit.
func truthMeasures() []measure {
	ttft := func(r truthResult) quantiles { return r.TTFT }
	gap := func(r truthResult) quantiles { return r.Gap }
	arrival := func(r truthResult) quantiles { return r.Arrival }
	line := func(name, scenario string, q func(quantiles) float64, of func(truthResult) quantiles, limit *float64) measure {
		return measure{name: name, unit: "µs", scenario: scenario, limit: limit, value: func(r, _ *loadResult) float64 { return q(of(r.Truth)) }}
	}
	return []measure{
		line("TTFT error p50", "truth", quantiles.p50, ttft, nil),
		line("TTFT error p99", "truth", quantiles.p99, ttft, nil),
		line("gap error p50", "truth", quantiles.p50, gap, nil),
		line("gap error p99", "truth", quantiles.p99, gap, nil),
		line("arrival error p50", "truth", quantiles.p50, arrival, nil),
		line("arrival error p99", "truth", quantiles.p99, arrival, nil),
		line("TTFT error p50, throttled", "throttled", quantiles.p50, ttft, nil),
		line("TTFT error p99, throttled", "throttled", quantiles.p99, ttft, new(100.0)),
		line("gap error p50, throttled", "throttled", quantiles.p50, gap, nil),
		line("gap error p99, throttled", "throttled", quantiles.p99, gap, new(100.0)),
		line("arrival error p50, throttled", "throttled", quantiles.p50, arrival, nil),
		line("arrival error p99, throttled", "throttled", quantiles.p99, arrival, nil),
	}
}

// asked names an exchange: the number of its client, and which of the client's requests it is.
type asked struct{ client, request int }

// trueTimes are the moments of an exchange of two tokens, on the clock of the load generator.
type trueTimes struct {
	request     int64   // the client began to write the request
	requestDone int64   // it had written it
	tokens      []int64 // the upstream began to write each
	read        []int64 // the client got each
}

// truth keeps the true times of exchanges. Every request names its exchange in its trace context.
type truth struct {
	run       int // of the load generator, so that other runs do not count
	exchanges map[asked]*trueTimes
	written   map[int64]int64 // the ends of the upstream's writes of tokens, by their beginnings
}

func newTruth(run int) *truth { return &truth{run: run, exchanges: map[asked]*trueTimes{}} }

func (t *truth) traceID(a asked) string {
	return fmt.Sprintf("%08x%08x%016x", t.run, a.client+1, a.request)
}

// trace adds the trace context of the request under way to its head.
func (t *truth) trace(request []byte, s *streamClient) []byte {
	field := fmt.Appendf(nil, "traceparent: 00-%s-%016x-00\r\n", t.traceID(asked{s.number, s.asked}), s.asked)
	return slices.Insert(request, bytes.IndexByte(request, '\n')+1, field...)
}

// ask notes that the client had written the request under way at done.
func (t *truth) ask(s *streamClient, done int64) {
	t.exchanges[asked{s.number, s.asked}] = &trueTimes{request: s.requested, requestDone: done}
}

// token notes that the upstream sent a token of the exchange under way.
func (t *truth) token(s *streamClient, sent int64) {
	if x := t.exchanges[asked{s.number, s.asked}]; x != nil {
		x.tokens, x.read = append(x.tokens, sent), append(x.read, s.readAt)
	}
}

// known reports whether x has two tokens, and its writes were so prompt that their beginnings are the truth.
func (t *truth) known(x *trueTimes) bool {
	if x == nil || len(x.tokens) != 2 || x.requestDone-x.request > promptWrite {
		return false
	}
	for _, begun := range x.tokens {
		if done, found := t.written[begun]; !found || done-begun > promptWrite {
			return false
		}
	}
	return true
}

// recorded is a line of headway's capture file, as far as truth needs it. Times are in seconds.
type recorded struct {
	Start time.Time `json:"start"`
	TTFT  float64   `json:"ttft_s"`
	ITL   struct {
		Max float64 `json:"max"`
	} `json:"itl_s"`
	TraceID string `json:"trace_id"`
}

// runTruth makes streams of two tokens, so that a line of the capture file has the time of each: TTFT, and one
// gap. It compares the lines with the true times. Without a proxy it compares the stamps of the client's kernel.
func (l *loader) runTruth() error {
	spec := l.spec
	l.truth = newTruth(os.Getpid())
	streams, err := l.openAll(spec.Warmup, false)
	if err != nil {
		return err
	}
	ahead := l.wallAhead()
	if spec.Capture == "" {
		for _, s := range streams {
			if err := s.conn.stampArrivals(ahead); err != nil {
				return err
			}
		}
	}
	if err := l.sleep(spec.Warmup / 2); err != nil {
		return err
	}
	clear(l.truth.exchanges)
	if _, err := l.control(beginWrites); err != nil {
		return err
	}
	from, err := l.usage()
	if err != nil {
		return err
	}
	if err := l.askEvenly(streams); err != nil {
		return err
	}
	to, err := l.usage()
	if err != nil {
		return err
	}
	l.setWindow(from, to)
	if err := l.endStreams(streams, 10*time.Second); err != nil {
		return err
	}
	return l.judgeTruth(ahead)
}

// judgeTruth compares the times on record with the true ones. The wall clock was ahead by so much when the
// exchanges began.
func (l *loader) judgeTruth(ahead int64) error {
	log, err := l.control(endWrites)
	if err != nil {
		return err
	}
	if l.truth.written, err = parseWrites(log); err != nil {
		return err
	}
	lines := l.truth.readings(ahead)
	if l.spec.Capture != "" {
		if lines, err = l.awaitLines(); err != nil {
			return err
		}
	}
	const most = 20_000 // ns; more than the two readings differ by while nobody sets the wall clock
	steady := apart(l.wallAhead(), ahead) < most
	l.result.Truth = l.truth.compare(lines, ahead, steady)
	return nil
}

// readings are the lines that headway would write, if it were in the place of the client.
func (t *truth) readings(ahead int64) []recorded {
	var lines []recorded
	for a, x := range t.exchanges {
		r := recorded{Start: time.Unix(0, x.request+ahead), TraceID: t.traceID(a)}
		if len(x.read) == 2 {
			r.TTFT, r.ITL.Max = float64(x.read[0]-x.request)/1e9, float64(x.read[1]-x.read[0])/1e9
		}
		lines = append(lines, r)
	}
	return lines
}

// wallAhead is how far the wall clock is ahead of the load generator's, in nanoseconds. It tries several
// times, as newClock does.
func (l *loader) wallAhead() int64 {
	var ahead int64
	shortest := int64(math.MaxInt64)
	for range 64 {
		before := l.poller.clock.now()
		wall := time.Now().UnixNano()
		if took := l.poller.clock.now() - before; took < shortest {
			shortest, ahead = took, wall-before-took/2
		}
	}
	return ahead
}

// askEvenly lets the streams ask again and again, at moments that are spread evenly. It skips a stream that is
// under way.
func (l *loader) askEvenly(streams []*streamClient) error {
	spec := l.spec
	// An exchange takes four intervals at most: to its two tokens and its two closing events. Three times as
	// many between two requests leave headway less to do than its share of the core beside busy threads.
	period := 12 * int64(spec.Interval)
	start := l.poller.clock.now()
	for i := 0; ; i++ {
		at := start + int64(i)*period/int64(len(streams))
		if at > start+int64(spec.Duration) {
			return nil
		}
		if err := l.until(at, nil); err != nil {
			return err
		}
		if s := streams[i%len(streams)]; !s.busy && !s.conn.closed {
			s.ask()
		}
	}
}

// awaitLines returns the lines of all exchanges in headway's capture file, which gets them within seconds. It
// counts as bad what it misses.
func (l *loader) awaitLines() ([]recorded, error) {
	want := len(l.truth.exchanges)
	for late := l.poller.clock.now() + int64(10*time.Second); ; {
		lines, err := readCapture(l.spec.Capture, l.truth)
		if err != nil || len(lines) == want {
			return lines, err
		}
		if l.poller.clock.now() > late {
			l.bad(fmt.Errorf("headway recorded %d of %d exchanges", len(lines), want))
			return lines, nil
		}
		if err := l.sleep(200 * time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// readCapture returns the lines of the exchanges of t.
func readCapture(path string, t *truth) ([]recorded, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading what headway recorded: %w", err)
	}
	var lines []recorded
	for line := range bytes.Lines(text) {
		var r recorded
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // headway is writing it
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("reading what headway recorded: %w", err)
		}
		if a, own := t.exchange(r.TraceID); own && t.exchanges[a] != nil {
			lines = append(lines, r)
		}
	}
	return lines, nil
}

// exchange is the reverse of traceID. It is not ok for an exchange of another run.
func (t *truth) exchange(traceID string) (a asked, ok bool) {
	var run int
	if n, err := fmt.Sscanf(traceID, "%08x%08x%016x", &run, &a.client, &a.request); n != 3 || err != nil || run != t.run {
		return asked{}, false
	}
	a.client--
	return a, true
}

// compare returns how far the recorded times are from the true ones. The wall clock is ahead of the clock of
// the true times by so much or, when it is not steady, by an unknown time.
func (t *truth) compare(lines []recorded, ahead int64, steady bool) truthResult {
	var ttft, gap, arrival []int64
	unknown := 0
	for _, r := range lines {
		a, _ := t.exchange(r.TraceID)
		x := t.exchanges[a]
		if !t.known(x) {
			unknown++
			continue
		}
		first, second := x.tokens[0], x.tokens[1]
		ttft = append(ttft, apart(nanos(r.TTFT), first-x.request))
		gap = append(gap, apart(nanos(r.ITL.Max), second-first))
		if steady {
			arrival = append(arrival, apart(r.Start.UnixNano()-ahead+nanos(r.TTFT), first))
		}
	}
	return truthResult{Unknown: unknown, TTFT: quantilesOf(ttft), Gap: quantilesOf(gap), Arrival: quantilesOf(arrival)}
}

func nanos(seconds float64) int64 { return int64(math.Round(seconds * 1e9)) }

func apart(a, b int64) int64 { return max(a-b, b-a) }
