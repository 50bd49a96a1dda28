package proxy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// TestSaysWhatIsWrongWithTheUpstream: headway answers itself when there is no response
// to forward.
func TestSaysWhatIsWrongWithTheUpstream(t *testing.T) {
	bad := func(head string) func(*peer) {
		return func(p *peer) {
			p.message()
			p.sendAnyway(head)
			p.gone()
		}
	}
	for _, tt := range []struct {
		name      string
		serve     func(*peer)
		status    int
		kind      string
		outcome   exchange.Outcome
		errorType exchange.ErrorType
	}{
		{"closes after the request", func(p *peer) { p.message() }, 502, "upstream_connection_error", exchange.ConnectError, exchange.ErrConnection},
		{"resets after the request", func(p *peer) { p.message(); p.reset() }, 502, "upstream_connection_error", exchange.ConnectError, exchange.ErrConnection},
		{"closes inside the head", func(p *peer) { p.message(); p.send("HTTP/1.1 200 OK\r\nA: b\r\n") }, 502, "upstream_connection_error", exchange.ConnectError, exchange.ErrConnection},
		{"closes after an interim response", func(p *peer) { p.message(); p.send("HTTP/1.1 102 Processing\r\n\r\n") }, 502, "upstream_connection_error", exchange.ConnectError, exchange.ErrConnection},
		{"speaks another protocol", bad("SSH-2.0-OpenSSH_9.6\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends no status", bad("HTTP/1.1 OK\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a status below 100", bad("HTTP/1.1 099 Low\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a field without a colon", bad("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends two lengths", bad("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a list of two lengths", bad("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends an empty length", bad("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a folded length that is none", bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a length with a sign", bad("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends the chunked coding twice", bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends an unknown coding and a length", bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a coding after a vertical tab", bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a name with a space", bad("HTTP/1.1 200 OK\r\nA B: c\r\nContent-Length: 0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a status of four digits", bad("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a status that runs into its reason", bad("HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends a negative length", bad("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends an unknown coding", bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends chunks as HTTP/1.0", bad("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"sends an endless head", bad("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", proxy.MaxHead) + "\r\n\r\n"), 502, "upstream_protocol_error", exchange.ConnectError, exchange.ErrProtocol},
		{"is silent", func(p *peer) { p.message(); p.gone() }, 504, "upstream_timeout", exchange.Timeout, exchange.ErrTimeout},
		{"is silent inside the head", func(p *peer) { p.message(); p.send("HTTP/1.1 200 OK\r\n"); p.gone() }, 504, "upstream_timeout", exchange.Timeout, exchange.ErrTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, tt.serve)
			f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) {
				if tt.status == 504 {
					c.HeaderTimeout = 20 * time.Millisecond
				}
			})
			c := f.dial()
			c.send(chat())
			answer := c.rest()
			if i := strings.Index(answer, "HTTP/1.1 102 Processing\r\n\r\n"); i == 0 {
				answer = answer[len("HTTP/1.1 102 Processing\r\n\r\n"):]
			}
			f.refused(answer, tt.status, tt.kind, strings.TrimPrefix(u.url, "http://"))
			r := f.want(tt.outcome, tt.errorType, tt.status)
			if r.Model.Request != "m-1" {
				t.Errorf("recorded model %q", r.Model.Request)
			}
		})
	}
}

// refused checks a response of headway's own.
func (f *fixture) refused(answer string, status int, kind, upstream string) {
	f.Helper()
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	var told struct {
		Error struct {
			Message, Type string
			Code          int
		}
	}
	if err := json.Unmarshal([]byte(body), &told); err != nil {
		f.Fatalf("answered %.300q: %v", answer, err)
	}
	if told.Error.Code != status || told.Error.Type != kind || !strings.Contains(told.Error.Message, upstream) {
		f.Errorf("told %+v, want code %d, type %q and the upstream %s", told.Error, status, kind, upstream)
	}
	if !strings.Contains(head, "\r\nConnection: close") || contentLength(head) != len(body) {
		f.Errorf("answered with head %q", head)
	}
}

func TestSaysThatTheUpstreamIsDown(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1") // a port that nothing takes meanwhile
	c := f.dial()
	c.send(chat())
	f.refused(c.rest(), 502, "upstream_connect_error", "connection refused")
	if r := f.want(exchange.ConnectError, exchange.ErrConnection, 502); r.Model.Request != "m-1" {
		t.Errorf("recorded model %q: the request named it all the same", r.Model.Request)
	}
}

// TestSaysThatNoDescriptorIsLeft to the client, in the Record, and once a minute in the log.
func TestSaysThatNoDescriptorIsLeft(t *testing.T) {
	log := new(lockedBuffer)
	f := newFixture(t, "http://192.0.2.1:8000", func(c *proxy.Config, _ *tap.Config) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
		}
	})
	for range 3 {
		c := f.dial()
		c.send(chat())
		f.refused(c.rest(), 503, "no_descriptors", "ulimit -n")
		f.want(exchange.ConnectError, exchange.ErrDescriptors, 503)
	}
	if got := log.String(); strings.Count(got, "no descriptors are left") != 1 || !strings.Contains(got, "upstream=192.0.2.1:8000") {
		t.Errorf("logged\n%s", got)
	}
}

func TestUpstreamThatClosesAtOnceIsTriedOnce(t *testing.T) {
	u := newUpstream(t, func(p *peer) { p.reset() })
	f := newFixture(t, u.url)
	for range 20 {
		c := f.dial()
		c.send(get)
		if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 502 ") {
			t.Errorf("answered %q", answer)
		}
		f.want(exchange.ConnectError, exchange.ErrConnection, 502)
	}
	if n := u.connections.Load(); n > 20 {
		t.Errorf("%d connections for 20 requests", n)
	}
}

// silenceLimit is the IdleTimeout of tests that want headway to cut a silent upstream.
const silenceLimit = 20 * time.Millisecond

// TestBrokenResponseNeverLooksWhole: headway forwards the bytes that came and then
// shows the client the break, in the way that the framing offers.
func TestBrokenResponseNeverLooksWhole(t *testing.T) {
	const (
		sized   = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
		chunked = streamHead + "4\r\npart\r\n"
		closing = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart"
	)
	end := func(*peer) {}
	silence := func(p *peer) { p.gone() }
	for _, tt := range []struct {
		name, request, sent, want string
		then                      func(*peer)
		reset                     bool
		outcome                   exchange.Outcome
		errorType                 exchange.ErrorType
	}{
		{"sized, closed", get, sized, sized, end, false, exchange.UpstreamCut, exchange.ErrTruncated},
		{"sized, reset", get, sized, sized, (*peer).reset, true, exchange.UpstreamCut, exchange.ErrTruncated},
		{"sized, silent", get, sized, sized, silence, false, exchange.Timeout, exchange.ErrTimeout},
		{"chunked, closed", get, chunked, chunked, end, false, exchange.UpstreamCut, exchange.ErrTruncated},
		{"chunked, closed before the last trailer", get, chunked + "0\r\n", chunked + "0\r\n", end, false, exchange.UpstreamCut, exchange.ErrTruncated},
		{"chunked, reset", get, chunked, chunked, (*peer).reset, true, exchange.UpstreamCut, exchange.ErrTruncated},
		{"chunked, garbage", get, chunked + "xyz", chunked + "x", silence, false, exchange.UpstreamCut, exchange.ErrProtocol},
		{"close-delimited, reset", get, closing, closing, (*peer).reset, true, exchange.UpstreamCut, exchange.ErrTruncated},
		{"close-delimited, silent", get, closing, closing, silence, true, exchange.Timeout, exchange.ErrTimeout},
		{"chunked for HTTP/1.0, closed", "GET / HTTP/1.0\r\n\r\n", chunked, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\npart", end, true, exchange.UpstreamCut, exchange.ErrTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read := make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				p.head()
				p.send(tt.sent)
				wait(t, "the client to read", read)
				tt.then(p)
			})
			f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) {
				if tt.outcome == exchange.Timeout {
					c.IdleTimeout = silenceLimit
				}
			})
			c := f.dial()
			c.send(tt.request)
			c.expect(tt.want)
			close(read)
			rest, err := io.ReadAll(c.r)
			if len(rest) > 0 || errors.Is(err, syscall.ECONNRESET) != tt.reset || isTimeout(err) {
				t.Errorf("then got %q, %v", rest, err)
			}
			r := f.want(tt.outcome, tt.errorType, 200)
			if r.Outcome == exchange.Timeout && r.Clocks.Upstream.Longest < silenceLimit {
				t.Errorf("the silence that ended it is not booked: %+v", r.Clocks)
			}
		})
	}
}

// TestConnectionThatEndedWhileIdleIsNotUsed for the next request.
func TestConnectionThatEndedWhileIdleIsNotUsed(t *testing.T) {
	for _, last := range []string{"", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"} {
		known := make(chan struct{})
		u := newUpstream(t, func(p *peer) {
			p.message()
			p.send(okay)
			p.sendAnyway(last)
			_ = p.CloseWrite()
			p.gone() // headway has noticed
			known <- struct{}{}
		})
		f := newFixture(t, u.url)
		c := f.dial()
		for range 5 {
			c.send(chat())
			c.expect(okay)
			f.want(exchange.OK, "", 200)
			wait(t, "headway to close its side", known)
		}
	}
}

// TestBytesAfterAResponseBelongToNobody: an upstream that sends two responses
// does not get the second one through.
func TestBytesAfterAResponseBelongToNobody(t *testing.T) {
	u := newUpstream(t, replying(okay+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
	f := newFixture(t, u.url)
	c := f.dial()
	for range 10 {
		f.ask(c)
	}
}

// TestHeaderTimeoutEndsWithTheHead and does not bound the body.
func TestHeaderTimeoutEndsWithTheHead(t *testing.T) {
	next := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		for range 2 {
			p.message()
			p.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
			<-next
			p.send("k")
		}
		p.gone()
	})
	const timeout = 30 * time.Millisecond
	f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.HeaderTimeout = timeout })
	c := f.dial()
	for range 2 {
		c.send(get)
		c.expect(okay[:len(okay)-1])
		time.AfterFunc(2*timeout, func() { next <- struct{}{} })
		c.expect("k")
		f.want(exchange.OK, "", 200)
	}
}

// TestHeaderTimeoutBeginsWithTheRequestsEnd, so that a slow upload does not use it up.
func TestHeaderTimeoutBeginsWithTheRequestsEnd(t *testing.T) {
	u := newUpstream(t, answering)
	const timeout = 30 * time.Millisecond
	f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.HeaderTimeout = timeout })
	c := f.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nh")
	time.AfterFunc(2*timeout, func() { c.send("i") })
	c.expect(okay)
	f.want(exchange.OK, "", 200)
}
