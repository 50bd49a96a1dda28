package delivery_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// withRetryInfo returns an error that asks for a wait.
func withRetryInfo(code codes.Code, wait time.Duration) error {
	s, err := status.New(code, "wait").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		panic(err)
	}
	return s.Err()
}

func TestAQueueRetriesGRPCCodesByTheSpecification(t *testing.T) {
	cases := []struct {
		name  string
		err   error
		retry bool
	}{
		{"canceled", status.Error(codes.Canceled, ""), true},
		{"unknown", status.Error(codes.Unknown, ""), false},
		{"a handler's plain error is unknown", errors.New("plain"), false},
		{"invalid argument", status.Error(codes.InvalidArgument, ""), false},
		{"deadline exceeded", status.Error(codes.DeadlineExceeded, ""), true},
		{"not found", status.Error(codes.NotFound, ""), false},
		{"already exists", status.Error(codes.AlreadyExists, ""), false},
		{"permission denied", status.Error(codes.PermissionDenied, ""), false},
		{"unauthenticated", status.Error(codes.Unauthenticated, ""), false},
		{"resource exhausted", status.Error(codes.ResourceExhausted, ""), false},
		{"resource exhausted with retry info", withRetryInfo(codes.ResourceExhausted, time.Millisecond), true},
		{"resource exhausted with retry info of zero", withRetryInfo(codes.ResourceExhausted, 0), true},
		{"failed precondition", status.Error(codes.FailedPrecondition, ""), false},
		{"aborted", status.Error(codes.Aborted, ""), true},
		{"out of range", status.Error(codes.OutOfRange, ""), true},
		{"unimplemented", status.Error(codes.Unimplemented, ""), false},
		{"internal", status.Error(codes.Internal, ""), false},
		{"internal with retry info", withRetryInfo(codes.Internal, time.Millisecond), false},
		{"unavailable", status.Error(codes.Unavailable, ""), true},
		{"unavailable with retry info", withRetryInfo(codes.Unavailable, time.Millisecond), true},
		{"data loss", status.Error(codes.DataLoss, ""), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			to := &collector{answer: func(n int) error {
				if n < 2 {
					return c.err
				}
				return nil
			}}
			q := open(t, quick(delivery.GRPC, startGRPC(t, to)))
			q.Send(spans(t, "a", "b"), 2)
			q.Send(spans(t, "c"), 1)
			q.Send(spans(t, "d"), 1)
			drain(t, q)
			if c.retry {
				wantNames(t, to.names(), []string{"a", "b", "c", "d"})
				wantDropped(t, q, 0)
			} else {
				wantNames(t, to.names(), []string{"d"})
				wantDropped(t, q, 3)
			}
		})
	}
}

func TestAQueueRetriesHTTPCodesByTheSpecification(t *testing.T) {
	retried := map[int]bool{429: true, 502: true, 503: true, 504: true}
	for _, code := range []int{300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413, 415, 425, 429, 499, 500, 501, 502, 503, 504, 505, 507, 599} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			to := &hooks{reply: func(n int, w http.ResponseWriter, _ *http.Request) {
				if n < 2 {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(code)
				}
			}}
			q := open(t, quick(delivery.HTTPProtobuf, startHTTP(t, to)))
			q.Send([]byte("a"), 2)
			q.Send([]byte("b"), 1)
			q.Send([]byte("c"), 1)
			drain(t, q)
			if retried[code] {
				wantNames(t, to.names(), []string{"a", "b", "c"})
				wantDropped(t, q, 0)
			} else {
				wantNames(t, to.names(), []string{"c"})
				wantDropped(t, q, 3)
			}
		})
	}
	for _, code := range []int{200, 202, 204} {
		to := &hooks{reply: func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }}
		q := open(t, quick(delivery.HTTPProtobuf, startHTTP(t, to)))
		q.Send([]byte("a"), 1)
		drain(t, q)
		wantDropped(t, q, 0)
		wantNames(t, to.names(), []string{"a"})
	}
}

func TestAQueueSendsAgainAfterACutConnection(t *testing.T) {
	to := &hooks{reply: func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			panic(http.ErrAbortHandler)
		}
	}}
	q := open(t, quick(delivery.HTTPProtobuf, startHTTP(t, to)))
	q.Send([]byte("a"), 1)
	drain(t, q)
	wantDropped(t, q, 0)
	wantNames(t, to.names(), []string{"a"})
}

func TestAQueueSendsAgainAfterSilence(t *testing.T) {
	release := make(chan struct{})
	to := &hooks{reply: func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			<-r.Context().Done()
			w.WriteHeader(http.StatusServiceUnavailable)
			close(release)
		}
	}}
	cfg := quick(delivery.HTTPProtobuf, startHTTP(t, to))
	cfg.Timeout = 50 * time.Millisecond
	q := open(t, cfg)
	q.Send([]byte("a"), 1)
	<-release
	drain(t, q)
	wantDropped(t, q, 0)
	wantNames(t, to.names(), []string{"a"})
}

func TestAQueueDropsARequestThatIsTooLargeForTheServer(t *testing.T) {
	to := &collector{}
	q := open(t, quick(delivery.GRPC, startGRPC(t, to)))
	q.Send(spans(t, strings.Repeat("x", 5<<20)), 7)
	q.Send(spans(t, "a"), 1)
	drain(t, q)
	wantDropped(t, q, 7)
	wantNames(t, to.names(), []string{"a"})
}

// partialSuccess is a way in which a collector rejects two items of a request.
type partialSuccess struct {
	name        string
	protocol    delivery.Protocol
	signal      delivery.Signal
	body        []byte // of an HTTP response
	contentType string
	want        uint64 // items that two requests drop
}

func TestAQueueCountsTheItemsThatAPartialSuccessRejects(t *testing.T) {
	traces := ptraceotlp.NewExportResponse()
	traces.PartialSuccess().SetRejectedSpans(2)
	traces.PartialSuccess().SetErrorMessage("said by the server")
	body, err := traces.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	points := pmetricotlp.NewExportResponse()
	points.PartialSuccess().SetRejectedDataPoints(2)
	pointsBody, err := points.MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []partialSuccess{
		{"grpc traces", delivery.GRPC, delivery.Traces, nil, "", 4},
		{"grpc metrics", delivery.GRPC, delivery.Metrics, nil, "", 4},
		{"http traces", delivery.HTTPProtobuf, delivery.Traces, body, "application/x-protobuf", 4},
		{"http metrics", delivery.HTTPProtobuf, delivery.Metrics, pointsBody, "application/x-protobuf", 4},
		{"http with a malformed body", delivery.HTTPProtobuf, delivery.Traces, []byte("{}"), "application/x-protobuf", 0},
		{"http with another content type", delivery.HTTPProtobuf, delivery.Traces, body, "text/plain", 0},
	} {
		t.Run(c.name, c.check)
	}
}

// check sends two requests of five items, and wants the rejected items dropped and logged.
func (c partialSuccess) check(t *testing.T) {
	to := &collector{rejected: 2}
	var endpoint string
	if c.protocol == delivery.GRPC {
		endpoint = startGRPC(t, to)
	} else {
		endpoint = startHTTP(t, &hooks{collector: to, reply: func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			_, _ = w.Write(c.body)
		}})
	}
	log := &journal{}
	cfg := quick(c.protocol, endpoint)
	cfg.Signal, cfg.Log = c.signal, log.logger()
	q := open(t, cfg)
	for range 2 {
		if c.signal == delivery.Metrics {
			q.Send(gauge(t, "m"), 5)
		} else {
			q.Send(spans(t, "s"), 5)
		}
	}
	drain(t, q)
	wantDropped(t, q, c.want)
	if n := len(to.times()); n != 2 {
		t.Errorf("%d requests, want 2: none a second time", n)
	}
	want := 0
	if c.want > 0 {
		want = 1
	}
	if got := strings.Count(log.String(), "partial success"); got != want {
		t.Errorf("logged %d times, want %d:\n%s", got, want, log)
	}
}

func TestAQueueCountsNoMoreRejectedItemsThanItSent(t *testing.T) {
	q := open(t, quick(delivery.GRPC, startGRPC(t, &collector{rejected: 1 << 40})))
	q.Send(spans(t, "a"), 1)
	drain(t, q)
	wantDropped(t, q, 1)
}

func TestTheLogHasStatusWordsAndNoSecrets(t *testing.T) {
	const secret = "s3cret"
	log := &journal{}
	to := &collector{answer: func(n int) error {
		switch n {
		case 0:
			return status.Error(codes.Unavailable, "because of "+secret)
		case 1:
			return status.Error(codes.PermissionDenied, "because of "+secret)
		}
		return nil
	}}
	cfg := quick(delivery.GRPC, startGRPC(t, to))
	cfg.Log, cfg.Headers = log.logger(), map[string]string{"api-key": secret}
	q := open(t, cfg)
	q.Send(spans(t, secret), 1)
	q.Send(spans(t, secret), 1)
	drain(t, q)

	away := quick(delivery.HTTPProtobuf, "http://user:"+secret+"@127.0.0.1:1/v1/traces?key="+secret)
	away.Log, away.Headers = log.logger(), cfg.Headers
	again := make(chan struct{}, 1000) // more dials than the test has time for
	away.Dial = func(context.Context, string, string) (net.Conn, error) {
		again <- struct{}{}
		return nil, net.ErrClosed
	}
	q = open(t, away)
	q.Send([]byte(secret), 1)
	<-again
	<-again // the second dial follows the report of the first
	if err := abandon(q); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("closing: %v", err)
	}
	for _, word := range []string{"Unavailable", "PermissionDenied", "no response"} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("no %q in\n%s", word, log)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Errorf("a secret in\n%s", log)
	}
}
