package attack

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// patience bounds how long a connection of an attack lives.
const patience = 3 * time.Second

// send opens a connection of the peer, sends text, and reads what comes to the end. It
// ends after patience at the latest. Its errors are headway's refusals.
func send(address, text string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(conn, text)
	}()
	_, _ = io.Copy(io.Discard, conn)
	<-written
}

// crowded sends text on n connections at once.
func crowded(address string, n int, text string) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { send(address, text) })
	}
	all.Wait()
}

// last is a request after which the connection ends.
func last(method, attack, body string) string {
	return strings.Replace(request(method, attack, body), "Host: a\r\n", "Host: a\r\nConnection: close\r\n", 1)
}

// asking makes n requests at once for what the upstream answers to the attack.
func asking(attack string, n int) func(s *Stage) {
	return func(s *Stage) { crowded(s.Proxy, n, last("POST", attack, ask)) }
}

// answering answers with text.
func answering(text string) Answer {
	return func(conn net.Conn) error { return write(conn, text) }
}

// holding answers with text, and then with nothing for a second.
func holding(text string) Answer {
	return func(conn net.Conn) error {
		if err := write(conn, text); err != nil {
			return err
		}
		time.Sleep(time.Second)
		return io.EOF
	}
}

// dripping answers with text in pieces of one byte.
func dripping(text string) Answer {
	return func(conn net.Conn) error {
		for i := range len(text) {
			if err := write(conn, text[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
}

// hold opens n connections, or as many as patience allows, that send text and wait a
// second.
func hold(address string, n int, text string) {
	var all sync.WaitGroup
	for began := time.Now(); n > 0 && time.Since(began) < patience; n-- {
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			continue
		}
		all.Go(func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(conn, text)
			time.Sleep(time.Second)
		})
	}
	all.Wait()
}

// junkModels asks for n models that nobody has, on one connection.
func junkModels(address, attack string, from, n int) {
	var b strings.Builder
	for i := range n {
		b.WriteString(request("POST", attack, fmt.Sprintf(`{"model":"junk-%d-%d","stream":true}`, from, i)))
	}
	b.WriteString(last("POST", attack, ask))
	send(address, b.String())
}

// scrapeSlowly asks for the metrics and reads one kilobyte at a time, with pauses.
func scrapeSlowly(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience / 2))
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	if write(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") != nil {
		return
	}
	p := make([]byte, 1<<10)
	for {
		if _, err := conn.Read(p); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
