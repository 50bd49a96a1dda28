package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// streamClient asks for one stream after another on one connection, and checks every byte of them.
type streamClient struct {
	loader   *loader
	conn     *conn
	pace     pace
	response response
	splitter splitter
	checker  eventChecker

	number    int   // of the connection
	asked     int   // streams so far
	busy      bool  // a stream is under way
	repeat    bool  // ask for the next stream when one ends
	requested int64 // when the client wrote the request under way
	readAt    int64 // when the last bytes arrived
	request   []byte
	preface   string  // precedes the first request
	late      []int64 // lateness of this stream's events; nil unless loader.perStream
}

func (l *loader) openStream(number int, p pace) (*streamClient, error) {
	dial := l.poller.dial
	if l.spec.Scenario == "sealed" {
		dial = l.poller.dialSealed
	}
	c, err := dial(l.spec.Port)
	if err != nil {
		return nil, err
	}
	s := &streamClient{loader: l, conn: c, pace: p, number: number}
	if l.spec.Scenario == "raw" {
		s.preface = rawPreface
	}
	s.response.onBody = func(p []byte) error { return s.splitter.feed(p, s.event) }
	c.onRead = s.read
	c.onClose = func(err error) {
		if s.busy {
			s.busy = false
			l.bad(fmt.Errorf("stream %d cut after %d events: %w", number, s.checker.sequence, err))
		}
	}
	if l.perStream {
		s.late = make([]int64, 0, p.events)
	}
	s.ask()
	return s, nil
}

func (s *streamClient) ask() {
	s.response.reset()
	s.splitter.partial = s.splitter.partial[:0]
	s.checker = eventChecker{}
	s.busy = true
	s.asked++
	s.request = append(s.request[:0], s.preface...)
	s.preface = ""
	s.request = appendRequest(s.request, s.loader.spec.Prefix, s.loader.spec.Port, s.number, s.asked, s.pace.String())
	if t := s.loader.truth; t != nil {
		s.request = t.trace(s.request, s)
	}
	s.requested = s.loader.poller.clock.now()
	s.conn.write(s.request)
	if t := s.loader.truth; t != nil {
		t.ask(s, s.loader.poller.clock.now())
	}
}

func (s *streamClient) read(p []byte, at int64) {
	s.readAt = at
	rest, err := s.response.feed(p)
	switch {
	case err == nil && s.response.state != ended:
		return
	case err == nil && len(rest) > 0:
		err = fmt.Errorf("bytes after the end of the response: %.100q", rest)
	case err == nil && s.checker.stage != complete:
		err = errors.New("the response ended before [DONE]")
	}
	s.busy = false
	if err != nil {
		s.loader.bad(fmt.Errorf("stream %d: %w", s.number, err))
		s.conn.close()
		return
	}
	s.loader.result.Streams++
	if s.repeat {
		s.ask()
	}
}

// event checks an event and takes its times.
func (s *streamClient) event(event []byte) error {
	sent, err := s.checker.event(event)
	if err != nil {
		return err
	}
	l := s.loader
	l.events++
	if sent == 0 {
		return nil
	}
	if l.truth != nil {
		l.truth.token(s, sent)
	}
	if s.checker.sequence == 1 {
		l.ttft = append(l.ttft, s.firstToken(sent))
	}
	if s.late != nil {
		s.late = append(s.late, s.readAt-sent)
	} else {
		l.lateness = append(l.lateness, s.readAt-sent)
	}
	return nil
}

// firstToken returns the time to the first content event, less the time that the upstream kept the
// request: that is pacing, and the same for every target.
func (s *streamClient) firstToken(sent int64) int64 {
	return (s.readAt - s.requested) - (sent - s.response.head.received)
}

// appendRequest appends a chat completion request of about 1 KB to b. Its path begins with prefix. No two
// bodies are equal. An empty pace asks for a plain answer, any other for a stream.
func appendRequest(b []byte, prefix string, port, client, number int, pace string) []byte {
	b = append(b, "POST "...)
	b = append(b, prefix...)
	b = append(b, "/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:"...)
	b = strconv.AppendInt(b, int64(port), 10)
	b = append(b, "\r\nUser-Agent: OpenAI/Python 1.109.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer sk-bench-0123456789abcdef0123456789abcdef\r\nx-stainless-lang: python\r\nx-stainless-package-version: 1.109.1\r\n"+
		"x-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-retry-count: 0\r\n"...)
	stream := ""
	if pace != "" {
		b = append(b, "X-Bench: "...)
		b = append(b, pace...)
		b = append(b, "\r\n"...)
		stream = `,"stream":true,"stream_options":{"include_usage":true}`
	}
	const start = `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a patient assistant."},{"role":"user","content":"`
	const end = `"}],"temperature":0.7,"max_tokens":512`
	const idWidth = 8
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(start)+2*idWidth+2+len(prompt)+len(end)+len(stream)+1), 10)
	b = append(b, "\r\n\r\n"+start...)
	b = appendPadded(b, int64(client), idWidth)
	b = append(b, '-')
	b = appendPadded(b, int64(number), idWidth)
	b = append(b, ' ')
	b = append(b, prompt...)
	b = append(b, end...)
	b = append(b, stream...)
	return append(b, '}')
}

// prompt has 768 bytes, so that the body of a request has about 1 KB.
const prompt = promptLine + promptLine + promptLine + promptLine + promptLine + promptLine
const promptLine = "Please read the following notes on how a stream of tokens is measured and tell me, in three sentences, what the reader should do. "

// runEvents keeps all streams open and measures a window. A client whose stream ends asks for the next.
func (l *loader) runEvents() error {
	spec := l.spec
	l.reserve(int(float64(spec.Streams) * spec.Duration.Seconds() / spec.Interval.Seconds()))
	streams, err := l.openAll(spec.Warmup, true)
	if err != nil {
		return err
	}
	// All streams are open. Let pools and code paths warm up under the full load.
	if err := l.sleep(spec.Warmup / 2); err != nil {
		return err
	}
	l.lateness, l.ttft = l.lateness[:0], l.ttft[:0]
	from, err := l.usage()
	if err != nil {
		return err
	}
	if err := l.sleep(spec.Duration); err != nil {
		return err
	}
	to, err := l.usage()
	if err != nil {
		return err
	}
	l.setWindow(from, to)
	measured, firsts := l.lateness, l.ttft
	if err := l.finishStreams(streams); err != nil {
		return err
	}
	l.lateness, l.ttft = measured, firsts
	return nil
}

// reserve makes room for so many samples and a tenth more, so that no sample grows the list.
func (l *loader) reserve(events int) { l.lateness = make([]int64, 0, events*11/10) }

// openAll opens the streams one by one over the time given. It spreads their phases evenly over the
// interval between two events.
func (l *loader) openAll(over time.Duration, repeat bool) ([]*streamClient, error) {
	spec := l.spec
	streams := make([]*streamClient, 0, spec.Streams)
	start := l.poller.clock.now()
	for i := range spec.Streams {
		if err := l.until(start+int64(over)*int64(i)/int64(spec.Streams), nil); err != nil {
			return nil, err
		}
		p := pace{
			events:   spec.Events,
			interval: int64(spec.Interval),
			phase:    int64(spec.Interval) * int64(i) / int64(spec.Streams),
		}
		s, err := l.openStream(i, p)
		if err != nil {
			return nil, err
		}
		s.repeat = repeat
		streams = append(streams, s)
	}
	return streams, nil
}

// finishStreams makes the upstream end every stream, and ends the streams here.
func (l *loader) finishStreams(streams []*streamClient) error {
	for _, s := range streams {
		s.repeat = false
	}
	if _, err := l.control("POST /bench/finish "); err != nil {
		return err
	}
	// The upstream needs 100 µs for a stream; see pacer.finish.
	return l.endStreams(streams, 10*time.Second+time.Duration(len(streams))*2*time.Millisecond)
}

// endStreams waits for the streams to end, counts those that do not as bad, and closes the connections.
func (l *loader) endStreams(streams []*streamClient, patience time.Duration) error {
	idle := 0
	err := l.until(l.poller.clock.now()+int64(patience), func() bool {
		for idle < len(streams) && !streams[idle].busy {
			idle++
		}
		return idle == len(streams)
	})
	for _, s := range streams {
		if s.busy {
			s.busy = false
			l.bad(fmt.Errorf("stream %d did not end: %d events", s.number, s.checker.sequence))
		}
		s.conn.close()
	}
	return err
}
