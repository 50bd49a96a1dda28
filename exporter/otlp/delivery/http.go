package delivery

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxResponse bounds the bytes that the client reads of a response. A partial success has
// a few.
const maxResponse = 64 << 10

// pingAfter is the silence after which the client pings an HTTP/2 connection. Without the
// ping a dead connection would stay, because a request that times out does not close it.
const pingAfter = 30 * time.Second

// httpClient speaks OTLP/HTTP with binary protobuf. It belongs to one goroutine.
type httpClient struct {
	client  *http.Client
	signal  Signal
	url     string
	headers http.Header
	zip     *gzip.Writer // nil sends payloads as they are
}

func newHTTP(cfg Config) *httpClient {
	headers := http.Header{}
	for name, value := range cfg.Headers {
		headers.Set(name, value)
	}
	if cfg.UserAgent != "" {
		headers.Set("User-Agent", cfg.UserAgent)
	}
	headers.Set("Content-Type", "application/x-protobuf")
	c := &httpClient{signal: cfg.Signal, url: cfg.Endpoint, headers: headers}
	if cfg.Gzip {
		headers.Set("Content-Encoding", "gzip")
		c.zip = gzip.NewWriter(io.Discard)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: cfg.Dial, TLSClientConfig: cfg.TLS.Clone(),
		ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter},
	}
	if cfg.Dial != nil {
		transport.Proxy = nil
	}
	c.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

func (c *httpClient) close() { c.client.CloseIdleConnections() }

func (c *httpClient) export(ctx context.Context, payload []byte) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(c.encode(payload)))
	if err != nil {
		return answer{fate: never, status: "invalid request"}
	}
	req.Header = c.headers.Clone()
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{fate: later, status: "no response", failure: withoutURL(err)}
	}
	defer resp.Body.Close()
	// The status decides. A body that breaks off can only hide a partial success.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	return c.judge(resp, body)
}

// encode returns the body of a request. It compresses into a new buffer every time,
// because a transport may still read the body of an attempt that timed out.
func (c *httpClient) encode(payload []byte) []byte {
	if c.zip == nil {
		return payload
	}
	var body bytes.Buffer
	c.zip.Reset(&body)
	_, _ = c.zip.Write(payload) // writing to a bytes.Buffer cannot fail
	_ = c.zip.Close()
	return body.Bytes()
}

// judge applies the rules of OTLP, "OTLP/HTTP Response".
func (c *httpClient) judge(resp *http.Response, body []byte) answer {
	status := strconv.Itoa(resp.StatusCode)
	if text := http.StatusText(resp.StatusCode); text != "" {
		status += " " + text
	}
	switch code := resp.StatusCode; {
	case code/100 == 2:
		a := answer{fate: accepted, status: status}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/x-protobuf") {
			a.rejected = c.signal.rejected(body)
		}
		return a
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway,
		code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return answer{fate: later, status: status, retryAfter: retryAfter(resp.Header.Get("Retry-After"))}
	}
	return answer{fate: never, status: status}
}

// retryAfter reads a Retry-After field: seconds or a date (RFC 9110, section 10.2.3). It
// returns 0 for any other text.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// withoutURL returns the text of an error without the URL, which may contain a secret.
func withoutURL(err error) string {
	if asked, ok := errors.AsType[*url.Error](err); ok {
		err = asked.Err
	}
	return err.Error()
}
