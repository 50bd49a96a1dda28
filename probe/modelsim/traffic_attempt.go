package modelsim

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The backoff of the OpenAI SDKs is 0.5 s, which doubles up to 8 s, less up to a quarter. The wait
// that a server asks for goes first, unless it is over two minutes.
const (
	firstBackoff  = 500 * time.Millisecond
	longestWait   = 8 * time.Second
	longestWished = 120 * time.Second
	noRetry       = -1 * time.Second
)

// attempt sends the request once. On failure it says how long to wait before the
// next attempt, or noRetry.
func (r *run) attempt(ctx context.Context, p *plan, attempt int) (time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := r.request(ctx, p, attempt)
	if err != nil {
		return noRetry, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return p.backoff(attempt, nil), err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		// The transport uses a connection again only if its response was read to the end.
		_, _ = io.Copy(io.Discard, resp.Body)
		err := fmt.Errorf("%s: %s", p.path, resp.Status)
		if !retryable(resp) {
			return noRetry, err
		}
		return p.backoff(attempt, resp.Header), err
	}
	// Like the SDKs, this never tries again after a 200.
	if p.stream {
		return noRetry, r.readStream(resp.Body, p.leave)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	r.bytes.Add(n)
	return noRetry, err
}

func (r *run) request(ctx context.Context, p *plan, attempt int) (*http.Request, error) {
	body, err := json.Marshal(p.body)
	if err != nil {
		return nil, fmt.Errorf("writing a request to %s: %w", p.path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.BaseURL+p.path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("writing a request to %s: %w", p.path, err)
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", cmp.Or(r.UserAgent, "headway-traffic"))
	req.Header.Set("X-Stainless-Retry-Count", strconv.Itoa(attempt))
	if r.Traced {
		req.Header.Set("Traceparent", fmt.Sprintf("00-%s-%016x-00", p.trace, 1+p.traces.Uint64N(math.MaxUint64)))
	}
	if r.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+r.APIKey)
	}
	return req, nil
}

// readStream reads events to the end, or up to the leave-th if leave is positive.
func (r *run) readStream(body io.Reader, leave int) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	events, terminated := 0, false
	for lines.Scan() {
		line := lines.Bytes()
		r.bytes.Add(int64(len(line)) + 1)
		data, found := bytes.CutPrefix(line, []byte("data: "))
		if !found {
			continue
		}
		r.events.Add(1)
		switch {
		case bytes.HasPrefix(data, []byte(`{"error"`)), bytes.HasPrefix(data, []byte(`{"type":"error"`)):
			return errors.New("the stream brought an error")
		case bytes.Equal(data, []byte("[DONE]")), bytes.HasPrefix(data, []byte(`{"type":"response.completed"`)),
			bytes.HasPrefix(data, []byte(`{"type":"response.incomplete"`)), bytes.HasPrefix(data, []byte(`{"type":"message_stop"`)):
			terminated = true
		}
		if events++; events == leave && !terminated {
			return errLeft
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading a stream: %w", err)
	}
	if !terminated {
		return errors.New("the stream ended without its terminator")
	}
	return nil
}

func retryable(resp *http.Response) bool {
	switch resp.Header.Get("X-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return resp.StatusCode >= 500
}

// backoff is the wait before the next attempt: the server's, if it asks for one, or an exponential
// one. It is noRetry when the server asks for too long.
func (p *plan) backoff(attempt int, h http.Header) time.Duration {
	wished := noRetry
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		wished = time.Duration(ms * float64(time.Millisecond))
	} else if s, err := strconv.ParseFloat(h.Get("Retry-After"), 64); err == nil {
		wished = time.Duration(s * float64(time.Second))
	}
	switch {
	case wished > longestWished:
		return noRetry
	case wished >= 0:
		return wished
	}
	wait := min(firstBackoff<<attempt, longestWait)
	return wait - time.Duration(p.random.Float64()*0.25*float64(wait))
}
