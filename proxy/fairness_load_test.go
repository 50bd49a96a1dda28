package proxy_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The load of TestNoStreamDelaysAnother runs in processes of its own, so that neither Go's
// scheduler nor the collector of this process delays it. Such a process has the model
// server and its clients, and so one clock for both.
const (
	sideVariable     = "PROXY_TEST_SIDE" // the role of the process
	measuredStreams  = 50
	measuredInterval = 20 * time.Millisecond // between two events of a stream
	unreadClients    = 8
)

// sideProcess is a process of load, as the test sees it. It answers every line with one.
type sideProcess struct {
	testing.TB
	addr    string // of its model server
	command *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Reader
}

// startSide starts a process in a role. A disturber has low priority: measured streams must
// wait for the proxy, and not for the processor.
func startSide(tb testing.TB, role string) *sideProcess {
	tb.Helper()
	argv := []string{os.Args[0], "-test.run=^TestSideProcess$"}
	if nice, err := exec.LookPath("nice"); err == nil && role != "measured" {
		argv = append([]string{nice, "-n", "19"}, argv...)
	}
	s := &sideProcess{TB: tb, command: exec.Command(argv[0], argv[1:]...)}
	s.command.Env = append(os.Environ(), sideVariable+"="+role)
	s.command.Stderr = os.Stderr
	answers, err := s.command.StdoutPipe()
	if err == nil {
		s.ask, err = s.command.StdinPipe()
	}
	if err == nil {
		err = s.command.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.stop)
	s.answers = bufio.NewReaderSize(answers, 1<<20)
	s.addr = strings.TrimSpace(s.answer())
	return s
}

// stop ends the process.
func (s *sideProcess) stop() {
	_ = s.ask.Close()
	_ = s.command.Process.Kill()
	_ = s.command.Wait() // closes the pipe of the answers, after a first stop too
}

func (s *sideProcess) answer() string {
	s.Helper()
	line, err := s.answers.ReadString('\n')
	if err != nil {
		s.Fatalf("the process of load ended: %v", err)
	}
	return line
}

func (s *sideProcess) say(line string, answer any) {
	s.Helper()
	_, _ = io.WriteString(s.ask, line+"\n") // a failure shows in the answer
	if err := json.Unmarshal([]byte(s.answer()), answer); err != nil {
		s.Fatal(err)
	}
}

// begin sends the load through the proxy at addr. It returns when the load is under way.
func (s *sideProcess) begin(addr string) { s.say(addr, new(json.RawMessage)) }

// delays returns the delays of the events that have arrived since the last call.
func (s *sideProcess) delays() (d []time.Duration) { s.Helper(); s.say("", &d); return d }

// count returns how many bytes the load has moved.
func (s *sideProcess) count() (n int64) { s.Helper(); s.say("", &n); return n }

// TestSideProcess is the main function of such a process.
func TestSideProcess(t *testing.T) {
	role := os.Getenv(sideVariable)
	if role == "" {
		t.Skip("it is the load of TestNoStreamDelaysAnother")
	}
	l := listen(t)
	fmt.Println(l.Addr())
	asked := bufio.NewScanner(os.Stdin)
	if !asked.Scan() {
		return
	}
	var tell func() any
	if role == "measured" {
		tell = measure(t, l, asked.Text())
	} else {
		tell = disturb(role, l, asked.Text())
	}
	for more := true; more; more = asked.Scan() {
		_ = json.NewEncoder(os.Stdout).Encode(tell())
	}
	os.Exit(0)
}

// measure opens the measured streams through the proxy, and returns how to ask for the
// delays of their events.
func measure(t *testing.T, l net.Listener, proxy string) (tell func() any) {
	m := &meter{began: time.Now()}
	var servers []net.Conn
	for range measuredStreams {
		client, err := net.Dial("tcp", proxy)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(client, chat())
		server, err := l.Accept()
		if err == nil {
			_, err = http.ReadRequest(bufio.NewReader(server))
		}
		if err == nil {
			_, err = io.WriteString(server, streamHead)
		}
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, server)
		go m.receive(client)
	}
	go m.send(servers)
	return m.take
}

// meter measures the delay of events.
type meter struct {
	began time.Time

	mu     sync.Mutex
	delays []time.Duration
}

// send writes the events of all streams, spread evenly over the interval. An event has the
// moment of its write in it.
func (m *meter) send(streams []net.Conn) {
	due := time.Since(m.began)
	for i := 0; ; i++ {
		time.Sleep(due - time.Since(m.began))
		e := token(strconv.FormatInt(int64(time.Since(m.began)), 10))
		if _, err := io.WriteString(streams[i%len(streams)], e); err != nil {
			return
		}
		due += measuredInterval / time.Duration(len(streams))
	}
}

// receive reads the events of a stream as a client.
func (m *meter) receive(stream io.Reader) {
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		at := time.Since(m.began)
		_, text, found := bytes.Cut(lines.Bytes(), []byte(`"content":"`))
		if !found {
			continue
		}
		text, _, _ = bytes.Cut(text, []byte(`"`))
		sent, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.delays = append(m.delays, at-time.Duration(sent))
		m.mu.Unlock()
	}
}

// take returns the delays since the last call.
func (m *meter) take() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.delays
	m.delays = nil
	return d
}

// disturber is a model server with clients that give a proxy work.
type disturber struct {
	kind  string
	proxy string
	moved atomic.Int64 // bytes: to the clients or, if those do not read, from the server

	unread []net.Conn // the clients that do not read; the collector closes what nobody holds
}

// disturb starts a disturber, and returns how to ask how many bytes it has moved.
func disturb(kind string, l net.Listener, proxy string) (tell func() any) {
	d := &disturber{kind: kind, proxy: proxy}
	go func() { _ = http.Serve(l, d) }()
	if kind == "unread" {
		for range unreadClients {
			d.leaveUnread()
		}
	} else {
		go d.read()
	}
	return func() any { return d.moved.Load() }
}

// ServeHTTP answers with a stream.
func (d *disturber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	word := func(size int) []byte {
		return []byte(`data: {"model":"m-1-2026","choices":[{"index":0,"delta":{"content":"` + strings.Repeat("w", size) + `"}}]}` + "\n\n")
	}
	switch d.kind {
	case "flood":
		d.flood(w, bytes.Repeat(word(150), 256))
	case "unread":
		d.flood(w, word(64<<10)) // few tokens, whose times headway keeps
	case "big":
		_, _ = w.Write(word(16 << 20))
	case "tokens":
		for r.Context().Err() == nil { // each is too large to wait for others to be decoded
			_, _ = w.Write(word(5 << 10))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(slowness / 2)
		}
	default:
		_, _ = w.Write(word(5))
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// flood writes p again and again, without a pause.
func (d *disturber) flood(w io.Writer, p []byte) {
	for {
		n, err := w.Write(p)
		if err != nil {
			return
		}
		if d.kind == "unread" {
			d.moved.Add(int64(n))
		}
	}
}

func (d *disturber) body() io.Reader {
	return strings.NewReader(`{"model":"m-1","stream":true,"messages":[]}`)
}

func (d *disturber) url() string { return "http://" + d.proxy + "/disturber/v1/chat/completions" }

// read asks for one response after another, and reads them.
func (d *disturber) read() {
	buffer := make([]byte, 64<<10)
	for {
		if err := d.readOne(buffer); !errors.Is(err, io.EOF) {
			fmt.Fprintln(os.Stderr, "disturber:", err)
			return
		}
	}
}

// readOne reads one response into buffer, and returns io.EOF at its end.
func (d *disturber) readOne(buffer []byte) error {
	r, err := http.Post(d.url(), "application/json", d.body())
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	for {
		n, err := r.Body.Read(buffer)
		d.moved.Add(int64(n))
		if err != nil {
			return err
		}
	}
}

// leaveUnread asks for a response and reads none of it.
func (d *disturber) leaveUnread() {
	r, err := http.NewRequest(http.MethodPost, d.url(), d.body())
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	client, err := net.Dial("tcp", d.proxy)
	if err == nil {
		err = r.Write(client)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "disturber:", err)
	}
	d.unread = append(d.unread, client)
}
