package attack

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Answer is how an upstream answers one request. It may write any bytes. The connection
// ends when it returns an error.
type Answer func(conn net.Conn) error

// ask is the body of a request for a stream.
const ask = `{"model":"m","stream":true,"messages":[{"role":"user","content":"Go on."}]}`

// okay is a whole answer.
const okay = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

// attackField names the attack to which a request belongs.
const attackField = "X-Attack"

// request is the text of a chat completion's request in an attack, or of others if the
// attack has no name.
func request(method, attack, body string) string {
	field := ""
	if attack != "" {
		field = attackField + ": " + attack + "\r\n"
	}
	return fmt.Sprintf("%s /v1/chat/completions HTTP/1.1\r\nHost: a\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, field, len(body), body)
}

// upstream is a model server of a few lines: net/http would refuse to send most of what
// the attacks need.
type upstream struct {
	address string
	answers map[string]Answer
	ending  chan struct{} // closed when the streams of others shall end
	asked   atomic.Int64  // requests of attacks
	headway atomic.Int64  // its pid, once it runs
}

func newUpstream(t *testing.T, attacks []Attack) *upstream {
	t.Helper()
	u := &upstream{answers: map[string]Answer{}, ending: make(chan struct{})}
	for _, a := range attacks {
		u.answers[a.Name] = a.Answer
	}
	u.address = listen(t, u.serve)
	return u
}

// listen serves each connection to a new address of loopback in a goroutine. The end of
// the test ends the listener and all connections.
func listen(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for conn := range conns {
			_ = conn.Close()
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			go func() {
				serve(conn)
				_ = conn.Close()
				mu.Lock()
				delete(conns, conn)
				mu.Unlock()
			}()
		}
	}()
	return l.Addr().String()
}

func (u *upstream) serve(conn net.Conn) {
	for r := bufio.NewReaderSize(conn, 2<<10); ; {
		attack, err := readRequest(r)
		if err != nil {
			return
		}
		answer := u.answers[attack]
		switch {
		case attack == "":
			answer = u.stream
		case answer == nil:
			answer = func(conn net.Conn) error { return write(conn, okay) }
		}
		if attack != "" {
			u.asked.Add(1)
		}
		if answer(conn) != nil {
			return
		}
	}
}

// readRequest reads a request to its end and returns the attack to which it belongs.
func readRequest(r *bufio.Reader) (attack string, err error) {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) { // nothing of interest is so long
			_, err = r.ReadSlice('\n')
		}
		if err != nil {
			return "", err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			_, err := io.CopyN(io.Discard, r, int64(length))
			return attack, err
		}
		name, value, _ := strings.Cut(text, ": ")
		switch name {
		case attackField:
			attack = value
		case "Content-Length":
			if length, err = strconv.Atoi(value); err != nil {
				return "", err
			}
		}
	}
}

// stream sends one stream of others, until they shall end.
func (u *upstream) stream(conn net.Conn) error {
	if err := write(conn, streamHead); err != nil {
		return err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	p := make([]byte, 0, 512)
	for number := 0; ; number++ {
		select {
		case <-u.ending:
			return write(conn, lastChunk)
		case <-tick.C:
		}
		p = event(p[:0], now(int(u.headway.Load())), number)
		if _, err := conn.Write(p); err != nil {
			return err
		}
	}
}

func write(conn net.Conn, text string) error {
	_, err := io.WriteString(conn, text)
	return err
}

// forwarder passes connections on to an address that is known later. headway cannot see
// that it leads back.
type forwarder struct {
	address string
	mu      sync.Mutex
	to      string
}

func newForwarder(t *testing.T) *forwarder {
	t.Helper()
	f := &forwarder{}
	f.address = listen(t, f.pass)
	return f
}

func (f *forwarder) lead(to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to = to
}

func (f *forwarder) pass(conn net.Conn) {
	f.mu.Lock()
	to := f.to
	f.mu.Unlock()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	go func() {
		_, _ = io.Copy(far, conn)
		_ = far.Close()
	}()
	_, _ = io.Copy(conn, far)
}
