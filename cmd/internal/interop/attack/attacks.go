package attack

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// loopPath leads back to headway.
const loopPath = "/loop"

// All is the attacks, in the order in which they run.
func All() []Attack {
	all := []Attack{{Name: "nothing"}}
	all = append(all, compressed()...)
	all = append(all, heads()...)
	all = append(all, bodies()...)
	return append(all, crowds()...)
}

// compressed is what a server does with content codings.
func compressed() []Attack {
	var all []Attack
	for _, coding := range codings {
		name := "bombs of " + coding
		all = append(all, Attack{Name: name, Run: asking(name, 16), Answer: answering(encoded(coding, bomb(coding, 256)))})
	}
	const nested = "20,000 codings"
	all = append(all, Attack{Name: nested, Run: asking(nested, 16), Answer: answering(encoded(strings.Repeat("br,", 20_000)+"br", bomb("br", 1)))})
	for _, coding := range codings[:2] {
		name := "windows of " + coding + " held open"
		body := window(coding)
		head := encoded(coding, bytes.Repeat([]byte("-"), len(body)+1))
		all = append(all, Attack{Name: name, Run: asking(name, 100), Answer: holding(head[:len(head)-len(body)-1] + string(body))})
	}
	return all
}

// heads is what peers do with heads.
func heads() []Attack {
	const (
		both    = "250 kB of nominated fields, both ways"
		many    = "heads of 60,000 fields"
		tooMany = "heads of 100,000 long fields"
		endless = "endless heads of responses"
		start   = "GET / HTTP/1.1\r\nHost: a\r\nX: "
	)
	return []Attack{
		{Name: both, Run: func(s *Stage) {
			crowded(s.Proxy, 20, strings.Replace(request("POST", both, ask), "Host: a\r\n", "Host: a\r\n"+nominated(), 1))
		}, Answer: answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + nominated() + "\r\n")},
		{Name: "1,200 unfinished heads of 250 kB", Run: func(s *Stage) { hold(s.Proxy, 1200, start+strings.Repeat("x", 250_000)) }},
		{Name: "1,200 unfinished heads of 1 byte", Run: func(s *Stage) { hold(s.Proxy, 1200, "G") }},
		{Name: many, Run: asking(many, 20), Answer: answering("HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\r\n", 60_000) + "Content-Length: 0\r\n\r\n")},
		{Name: tooMany, Run: asking(tooMany, 20), Answer: answering("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Abcdefghi: jklmno\r\n", 100_000) + "Content-Length: 0\r\n\r\n")},
		{Name: endless, Run: asking(endless, 20), Answer: func(conn net.Conn) error {
			text := "HTTP/1.1 200 OK\r\n"
			for range 200 {
				if err := write(conn, text); err != nil {
					return err
				}
				text = "X: " + strings.Repeat("y", 20_000) + "\r\n"
			}
			return nil
		}},
	}
}

// bodies is what peers do with plain bodies.
func bodies() []Attack {
	const (
		chunks   = "responses in 100,000 chunks of 1 byte"
		requests = "requests in 100,000 chunks of 1 byte"
		drip     = "20,000 writes of 1 byte"
		line     = "events of 16 MiB"
		deep     = "JSON of 4,000,000 levels, both ways"
	)
	brackets := strings.Repeat("[", 4_000_000)
	return []Attack{
		{Name: chunks, Run: asking(chunks, 4), Answer: answering(chunked("d", 100_000))},
		{Name: requests, Run: func(s *Stage) {
			crowded(s.Proxy, 4, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1\r\n[\r\n", 100_000)+lastChunk)
		}},
		{Name: drip, Run: asking(drip, 1), Answer: dripping(chunked(strings.Repeat("data: {}\n\n", 2_000), 1))},
		{Name: line, Run: asking(line, 4), Answer: answering(plain("text/event-stream", `data: {"choices":[{"delta":{"content":"`+strings.Repeat("x", 16<<20)))},
		{Name: deep, Run: func(s *Stage) { crowded(s.Proxy, 4, last("POST", deep, brackets)) }, Answer: answering(plain("application/json", brackets))},
	}
}

// crowds is what peers do with many of something.
func crowds() []Attack {
	const (
		pipelined = "20,000 requests pipelined, unread"
		refused   = "5,000 models that nobody has"
		served    = "5,000 models that answer"
	)
	models := func(attack string) func(s *Stage) {
		return func(s *Stage) {
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() { junkModels(s.Proxy, attack, i, 5_000/8) })
			}
			all.Wait()
		}
	}
	return []Attack{
		{Name: pipelined, Run: func(s *Stage) {
			hold(s.Proxy, 20, strings.Repeat("GET /v1/models HTTP/1.1\r\nHost: a\r\n"+attackField+": "+pipelined+"\r\n\r\n", 1000))
		}},
		{Name: refused, Run: models(refused), Answer: answering("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")},
		{Name: served, Run: models(served), Answer: answering(chunked(eventStart+"a"+eventEnd, 3))},
		{Name: "50 slow scrapes at once", Run: func(s *Stage) {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { scrapeSlowly(s.Admin) })
			}
			all.Wait()
		}},
		{Name: "50 loops", Run: func(s *Stage) {
			crowded(s.Proxy, 50, fmt.Sprintf("GET %s%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", loopPath, loopPath))
		}},
		{Name: "every descriptor used up", Run: func(s *Stage) { hold(s.Proxy, descriptors, request("POST", "every descriptor used up", ask)) },
			Answer: func(net.Conn) error { time.Sleep(time.Second); return net.ErrClosed }, Alone: true},
	}
}
