package delivery

import (
	"context"
	"net"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	tracesMethod  = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	metricsMethod = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

	// pingEvery is longer than 5 min: by default a server refuses pings that come more often
	// (its enforcement policy). The client pings for the sake of pingTimeout, which gRPC
	// also sets as TCP_USER_TIMEOUT on Linux. Without it a connection whose peer has
	// vanished stays up, and swallows requests, for a quarter of an hour.
	pingEvery   = 6 * time.Minute
	pingTimeout = 20 * time.Second
)

// grpcClient speaks OTLP/gRPC. The payloads come encoded.
type grpcClient struct {
	conn    *grpc.ClientConn
	signal  Signal
	method  string
	headers metadata.MD
	zipped  bool
}

func dialGRPC(cfg Config) (*grpcClient, error) {
	secure := credentials.NewTLS(cfg.TLS)
	if cfg.Insecure {
		secure = insecure.NewCredentials()
	}
	connecting := backoff.DefaultConfig
	connecting.BaseDelay, connecting.MaxDelay = cfg.Backoff.First, cfg.Backoff.Max
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secure),
		grpc.WithUserAgent(cfg.UserAgent),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: connecting, MinConnectTimeout: cfg.Timeout}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingTimeout}),
	}
	if cfg.Dial != nil {
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return cfg.Dial(ctx, "tcp", address)
		}))
	}
	conn, err := grpc.NewClient(cfg.Endpoint, options...)
	if err != nil {
		return nil, errEndpoint // not err, which quotes the target
	}
	c := &grpcClient{conn: conn, signal: cfg.Signal, method: tracesMethod, headers: metadata.New(cfg.Headers), zipped: cfg.Gzip}
	if cfg.Signal == Metrics {
		c.method = metricsMethod
	}
	return c, nil
}

func (c *grpcClient) close() { _ = c.conn.Close() }

func (c *grpcClient) export(ctx context.Context, payload []byte) answer {
	c.reconnect(ctx)
	var to peer.Peer
	var response []byte
	options := []grpc.CallOption{grpc.ForceCodecV2(raw{}), grpc.Peer(&to)}
	if c.zipped {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	err := c.conn.Invoke(metadata.NewOutgoingContext(ctx, c.headers), c.method, payload, &response, options...)
	if err == nil {
		return answer{fate: accepted, status: codes.OK.String(), rejected: c.signal.rejected(response)}
	}
	a := judge(status.Convert(err))
	if to.Addr == nil { // no server got the request, so the message is from this side
		a.failure = status.Convert(err).Message()
	}
	return a
}

// reconnect makes a failed connection dial again at once, because the sender has waited
// already, and waits for it for half of the attempt's time. Without reconnect a request
// would fail with the old error while gRPC dials.
func (c *grpcClient) reconnect(ctx context.Context) {
	if c.conn.GetState() != connectivity.TransientFailure {
		return
	}
	if end, ok := ctx.Deadline(); ok {
		half, cancel := context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
		ctx = half
	}
	c.conn.ResetConnectBackoff()
	c.conn.WaitForStateChange(ctx, connectivity.TransientFailure)
}

// judge applies the table of OTLP, "Failures", and reads google.rpc.RetryInfo.
func judge(s *status.Status) answer {
	a := answer{fate: never, status: s.Code().String()}
	hasRetryInfo := false
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			hasRetryInfo, a.retryAfter = true, max(0, info.GetRetryDelay().AsDuration())
		}
	}
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		a.fate = later
	case codes.ResourceExhausted:
		if hasRetryInfo {
			a.fate = later
		}
	}
	return a
}

// raw is a codec for payloads that are encoded already. Its name gives requests the
// content type that servers expect.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
