package delivery_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // the server's side
	"google.golang.org/grpc/metadata"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// collector is the common part of a gRPC and an HTTP collector: it notes the requests that
// come.
type collector struct {
	answer   func(n int) error // answers the nth gRPC request, from 0; nil accepts
	rejected int64             // items that a gRPC collector rejects of every accepted request

	mu       sync.Mutex
	requests int
	took     []string // names of the spans or metrics in accepted requests, or their bodies
	at       []time.Time
	metadata metadata.MD
}

// note notes a gRPC request and returns its answer.
func (c *collector) note(ctx context.Context, names []string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.metadata, _ = metadata.FromIncomingContext(ctx)
	c.at = append(c.at, time.Now())
	c.requests++
	if c.answer != nil {
		if err := c.answer(c.requests - 1); err != nil {
			return err
		}
	}
	c.took = append(c.took, names...)
	return nil
}

func (c *collector) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took)
}

func (c *collector) times() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.at)
}

type traceServer struct {
	ptraceotlp.UnimplementedGRPCServer
	*collector
}

func (s *traceServer) Export(ctx context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	resp := ptraceotlp.NewExportResponse()
	resp.PartialSuccess().SetRejectedSpans(s.rejected)
	return resp, s.note(ctx, spanNames(req))
}

type metricServer struct {
	pmetricotlp.UnimplementedGRPCServer
	*collector
}

func (s *metricServer) Export(ctx context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	var names []string
	for _, r := range req.Metrics().ResourceMetrics().All() {
		for _, scope := range r.ScopeMetrics().All() {
			for _, m := range scope.Metrics().All() {
				names = append(names, m.Name())
			}
		}
	}
	resp := pmetricotlp.NewExportResponse()
	resp.PartialSuccess().SetRejectedDataPoints(s.rejected)
	return resp, s.note(ctx, names)
}

func spanNames(req ptraceotlp.ExportRequest) []string {
	var names []string
	for _, r := range req.Traces().ResourceSpans().All() {
		for _, scope := range r.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				names = append(names, span.Name())
			}
		}
	}
	return names
}

// serveGRPC serves both signals on l, until the test ends.
func serveGRPC(t testing.TB, l net.Listener, c *collector, options ...grpc.ServerOption) {
	server := grpc.NewServer(options...)
	ptraceotlp.RegisterGRPCServer(server, &traceServer{collector: c})
	pmetricotlp.RegisterGRPCServer(server, &metricServer{collector: c})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func startGRPC(t testing.TB, c *collector, options ...grpc.ServerOption) (address string) {
	l := listen(t)
	serveGRPC(t, l, c, options...)
	return l.Addr().String()
}

// hooks is an HTTP collector. reply answers the nth request, from 0; nil accepts. The
// collector took a request that gets a status of 2xx.
type hooks struct {
	*collector
	reply func(n int, w http.ResponseWriter, r *http.Request)
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	payload, err := io.ReadAll(body)
	if err != nil {
		return
	}
	h.mu.Lock()
	n := h.requests
	h.requests++
	h.at = append(h.at, time.Now())
	h.mu.Unlock()
	seen := &statusWriter{ResponseWriter: w, code: http.StatusOK}
	if h.reply != nil {
		h.reply(n, seen, r)
	}
	if seen.code/100 == 2 {
		h.mu.Lock()
		h.took = append(h.took, string(payload))
		h.mu.Unlock()
	}
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func startHTTP(t testing.TB, h *hooks) (url string) {
	if h.collector == nil {
		h.collector = &collector{}
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/v1/traces"
}

// holding returns an HTTP collector that holds the nth request, from 0, until release is
// closed. It closes held when it has that request.
func holding(n int) (to *hooks, held <-chan struct{}, release chan struct{}) {
	inFlight, release := make(chan struct{}), make(chan struct{})
	return &hooks{reply: func(i int, _ http.ResponseWriter, _ *http.Request) {
		if i == n {
			close(inFlight)
			<-release
		}
	}}, inFlight, release
}

// spans returns an encoded request with a span for each name.
func spans(t testing.TB, names ...string) []byte {
	t.Helper()
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for _, name := range names {
		ss.AppendEmpty().SetName(name)
	}
	p, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gauge returns an encoded request with one data point.
func gauge(t testing.TB, name string) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName(name)
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(1)
	p, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// quick returns a configuration with retries after a millisecond or two.
func quick(protocol delivery.Protocol, endpoint string) delivery.Config {
	return delivery.Config{
		Signal: delivery.Traces, Protocol: protocol, Endpoint: endpoint, Insecure: true,
		Timeout: 5 * time.Second, Backoff: delivery.Backoff{First: time.Millisecond, Max: 2 * time.Millisecond},
	}
}

// open opens a queue.
func open(t testing.TB, cfg delivery.Config) *delivery.Queue {
	t.Helper()
	q, err := delivery.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// drain closes a queue, and wants it to deliver everything.
func drain(t testing.TB, q *delivery.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
	if n := q.Bytes(); n != 0 {
		t.Errorf("%d bytes wait after Close", n)
	}
}

// abandon closes a queue with a context that has ended.
func abandon(q *delivery.Queue) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return q.Close(ctx)
}

// nowhere is a Dial that fails.
func nowhere(context.Context, string, string) (net.Conn, error) {
	return nil, io.ErrClosedPipe
}

// numbered returns the numbers from from to below to.
func numbered(from, to int) []string {
	var names []string
	for i := from; i < to; i++ {
		names = append(names, strconv.Itoa(i))
	}
	return names
}

func wantNames(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("delivered %v, want %v", got, want)
	}
}

func wantDropped(t testing.TB, q *delivery.Queue, want uint64) {
	t.Helper()
	if got := q.Dropped(); got != want {
		t.Errorf("dropped %d items, want %d", got, want)
	}
}

// journal is a log that a test can read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func (j *journal) plain() *log.Logger { return log.New(j, "", 0) }
