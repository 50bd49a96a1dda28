package prober_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/prober"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// target is a proxy and a model behind it, in memory: it answers every request after a
// while and brings its Record.
type target struct {
	prober *prober.Prober
	after  time.Duration

	mu          sync.Mutex
	record      exchange.Record // of every exchange, but for its probe
	sent        []time.Time
	connections int
}

// answer changes the Record of the exchanges to come.
func (a *target) answer(r exchange.Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.record = r
}

func (a *target) connect(name string) (net.Conn, error) {
	near, far := net.Pipe()
	a.mu.Lock()
	a.connections++
	a.mu.Unlock()
	go a.serve(name, far)
	return near, nil
}

func (a *target) serve(name string, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.sent = append(a.sent, time.Now())
		a.mu.Unlock()
		time.Sleep(a.after)
		a.mu.Lock()
		record := a.record
		a.mu.Unlock()
		record.Origin, record.Probe = exchange.Canary, name
		text := "data: {\"choices\":[{\"delta\":{\"content\":\"" + wordOf(string(body)) + " ran to the sea\"}}]}\n\n"
		_, err = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", record.Status, len(text), text)
		a.prober.Observe(record)
		if err != nil {
			return
		}
	}
}

// wordOf is the word with which the prompt wants the answer to begin.
func wordOf(body string) string {
	_, word, _ := strings.Cut(body, "The first word of the story is ")
	word, _, _ = strings.Cut(word, ".")
	return word
}

// times returns when requests came, since begin.
func (a *target) times(begin time.Time) (out []time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range a.sent {
		out = append(out, at.Sub(begin))
	}
	return out
}

func answered() exchange.Record {
	return exchange.Record{
		Status: 200, Outcome: exchange.OK, Dialect: "openai-chat", Operation: exchange.Chat,
		Usage: exchange.Usage{Input: exchange.Known(500), Output: exchange.Known(500), Source: exchange.Reported},
	}
}

// book keeps every Run.
type book struct {
	mu   sync.Mutex
	runs []probe.Run
	slow time.Duration // that ObserveRun takes for a skipped run
}

// beSlow makes ObserveRun take so long for the next skipped run.
func (b *book) beSlow(by time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slow = by
}

func (b *book) ObserveRun(r probe.Run) {
	b.mu.Lock()
	b.runs = append(b.runs, r)
	slow := b.slow
	if r.Outcome == probe.Skipped {
		b.slow = 0
	}
	b.mu.Unlock()
	if r.Outcome == probe.Skipped {
		time.Sleep(slow)
	}
}

// outcomes counts the runs by outcome.
func (b *book) outcomes() map[probe.Outcome]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[probe.Outcome]int{}
	for i := range b.runs {
		out[b.runs[i].Outcome]++
	}
	return out
}

func one(name string) probe.Probe {
	return probe.Probe{
		Name: name, URL: "http://llm.example.com", Dialect: "openai-chat", Model: "m-1", Via: probe.Sidecar, Cache: probe.Cold,
		Shape: probe.Shape{Input: 500, Output: 500}, Every: 30 * time.Second, Timeout: 2 * time.Minute, Seed: 1,
	}
}

// stage is a Prober that sends to a target.
type stage struct {
	*prober.Prober
	target *target
	book   *book
	begin  time.Time
	stop   func()
}

// newStage starts to send the canaries of probes.
func newStage(t testing.TB, change func(*prober.Config, *target), probes ...probe.Probe) *stage {
	t.Helper()
	s := &stage{target: &target{record: answered()}, book: &book{}, begin: time.Now()}
	c := prober.Config{
		Connect: s.target.connect, Route: func(string) (string, bool) { return "", true }, Observer: s.book,
		Getenv: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c, s.target)
	}
	s.Prober = prober.New(c)
	s.target.prober = s.Prober
	if err := s.Replace(probes, false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.Run(ctx)
	}()
	s.stop = func() {
		cancel()
		<-over
		time.Sleep(s.target.after + time.Second) // the target ends its answers, which nobody reads
	}
	return s
}
