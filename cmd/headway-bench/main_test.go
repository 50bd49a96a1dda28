package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain runs the tests. As "_peer" the test binary is a proxy to measure instead, and in the roles of
// the program it is the program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "_") {
		if os.Args[1] == "_peer" {
			servePeer(os.Args[2], os.Args[3])
			os.Exit(1)
		}
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// servePeer forwards connections as they are. It has no timeout, so that it breaks no connection off on a
// busy machine. It returns when it cannot accept connections.
func servePeer(listen, upstream string) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go forward(client, upstream)
	}
}

func forward(client net.Conn, upstream string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func TestBenchMeasuresDirectAndPeer(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{
		"-targets", "direct,plain", "-peer", "plain=" + executable + " _peer {listen} {upstream}", "-scenario", "events,requests",
		"-rounds", "1", "-retries", "0", "-duration", "200ms", "-streams", "10", "-events-per-stream", "3", "-requests", "200", "-output", "json",
	}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	targets, notes, err := findTargets(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runBench(t.Context(), o, targets, notes)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.write(&text, o.output); err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Runs) != 4 {
		t.Fatalf("%d runs, want two targets in two scenarios", len(got.Runs))
	}
	for _, run := range got.Runs {
		checkRun(t, run)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("the benchmark left %v behind", left)
	}
}

// checkRun wants a run without a bad stream or request, and with the figures of its scenario.
func checkRun(t *testing.T, run runOf) {
	t.Helper()
	r := run.Result
	if r.Bad > 0 {
		t.Errorf("%s through %s: %d bad: %s", run.Scenario, run.Target, r.Bad, r.FirstBad)
	}
	if run.Scenario == "events" && (r.Events == 0 || r.Lateness.P50 <= 0 || r.TTFT.P50 <= 0) {
		t.Errorf("events through %s: %+v", run.Target, r)
	}
	if run.Scenario == "requests" && (r.Requests < 200 || r.Latency.P50 <= 0) {
		t.Errorf("requests through %s: %+v", run.Target, r)
	}
	if proxied := run.Target != "direct"; proxied != (r.ProxyCPU > 0) {
		t.Errorf("%s through %s: proxy's CPU time is %s", run.Scenario, run.Target, r.ProxyCPU)
	}
}

// An opening through a proxy and directly: every stream gets its first token.
func TestBenchMeasuresAnOpening(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const streams = 50
	o, err := parseOptions([]string{
		"-targets", "direct,plain", "-peer", "plain=" + executable + " _peer {listen} {upstream}", "-scenario", "opening",
		"-rounds", "1", "-opening-streams", strconv.Itoa(streams), "-opening-time", "50ms",
	}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	targets, notes, err := findTargets(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := runBench(t.Context(), o, targets, notes)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 {
		t.Fatalf("%d runs, want one of each target", len(r.Runs))
	}
	for _, run := range r.Runs {
		checkRun(t, run)
		got := run.Result
		if got.TTFT.Count != streams || got.TTFT.P50 <= 0 || got.Memory.Streams != streams {
			t.Errorf("opening through %s: %+v, %+v", run.Target, got.TTFT, got.Memory)
		}
		if proxied := run.Target != "direct"; proxied != (got.Memory.Open > 0) {
			t.Errorf("opening through %s: %d bytes resident", run.Target, got.Memory.Open)
		}
	}
}

func TestAnOpeningFitsTheLimitOfOpenFiles(t *testing.T) {
	for streams, files := range map[int]int{8312: 20_000, 0: 500} {
		if got := streamsWithin(files); got != streams {
			t.Errorf("%d streams within %d files, want %d", got, files, streams)
		}
	}
	o := options{scenarios: []string{"opening"}, openingStreams: 100}
	if note := o.fitOpening(); note != "" || o.openingStreams != 100 {
		t.Errorf("%d streams, %q: want all 100", o.openingStreams, note)
	}
	// No process may open so many files: fs.nr_open is at most 2^31.
	o.openingStreams = 1 << 40
	if note := o.fitOpening(); !strings.Contains(note, "in place of 1099511627776") || o.openingStreams >= 1<<40 {
		t.Errorf("%d streams, %q", o.openingStreams, note)
	}
}

func TestPortsAreCounted(t *testing.T) {
	if got, err := parsePorts([]byte("32768\t60999\n")); got != 28232 || err != nil {
		t.Errorf("%d ports, %v", got, err)
	}
	if _, err := parsePorts([]byte("32768\n")); err == nil {
		t.Error("no error for half a range")
	}
	if err := enoughPorts(1 << 16); err == nil {
		t.Error("no error for more streams than TCP has ports")
	}
}

func TestOnlyProxiesThatSpeakTLSToTheUpstreamTakePartInIt(t *testing.T) {
	b := &bench{options: options{scenarios: []string{"events-tls", "requests-tls"}}}
	tests := []struct {
		target   target
		scenario string
		want     bool
	}{
		{target{upstreamTLS: true}, "events-tls", true},
		{target{upstreamTLS: true}, "requests-tls", true},
		{target{upstreamTLS: true, tracked: true}, "events-tls", false},
		{target{name: "direct"}, "events-tls", false},
		{target{upstreamTLS: true}, "events", false},
	}
	for _, test := range tests {
		if got := b.takesPart(test.target, test.scenario); got != test.want {
			t.Errorf("%+v in %s: %t, want %t", test.target, test.scenario, got, test.want)
		}
	}
}

func TestBenchEndsItsChildrenWhenInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o, err := parseOptions([]string{"-targets", "direct", "-scenario", "events", "-duration", "1m"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := runBench(ctx, o, []target{{name: "direct"}}, nil); err == nil {
		t.Fatal("an interrupted benchmark gave a report")
	}
	family, err := processTree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if len(family) != 1 {
		t.Errorf("%d children still run", len(family)-1)
	}
}

func TestBenchReportsAProxyThatDoesNotStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o, err := parseOptions([]string{"-targets", "broken", "-peer", "broken=/bin/false", "-scenario", "events"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	targets, _, err := findTargets(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = runBench(t.Context(), o, targets, nil)
	if err == nil || !strings.Contains(err.Error(), "starting broken") {
		t.Errorf("got %v, want an error about starting broken", err)
	}
}

func TestOptionsReportEveryProblem(t *testing.T) {
	_, err := parseOptions([]string{"-scenario", "evnets", "-rounds", "0", "-output", "xml", "-duration", "1ms"}, t.Output())
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"-scenario", "-rounds", "-output", "-duration"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("no %s in: %v", name, err)
		}
	}
}

func TestAPeerMayHaveAPathBeforeThatOfItsRequests(t *testing.T) {
	o, err := parseOptions([]string{"-peer", "plain=serve a=b", "-peer", "gateway/pass/through=serve {listen}"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	want := []peer{{name: "plain", command: []string{"serve", "a=b"}}, {name: "gateway", prefix: "/pass/through", command: []string{"serve", "{listen}"}}}
	if !reflect.DeepEqual(o.peers, want) {
		t.Errorf("got %+v, want %+v", o.peers, want)
	}
	if got := peerTarget(want[1]); got.name != "gateway" || got.prefix != "/pass/through" {
		t.Errorf("got %+v", got)
	}
}

func TestOptionsRefuseMalformedArguments(t *testing.T) {
	for _, args := range [][]string{{"-peer", "nothing"}, {"-peer", "=command"}, {"-peer", "/path=command"}, {"-peer", "name/=command"}, {"surplus"}, {"-unknown"}} {
		if _, err := parseOptions(args, t.Output()); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func TestUnknownTargetsAreAnError(t *testing.T) {
	for _, o := range []options{{targets: []string{"ngnix"}}, {headway: "/nonexistent/headway"}} {
		if _, _, err := findTargets(o, nil); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
