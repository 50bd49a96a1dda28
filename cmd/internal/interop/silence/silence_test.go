//go:build interop

// Package silence_test holds a real sidecar before a real stream that pauses.
package silence_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// ask sends a chat request that streams, with a fault, and reads the answer to its end.
func ask(s *interop.Sidecar, fault string) error {
	body := `{"model":"sim-medium","stream":true,"max_tokens":60,"messages":[{"role":"user","content":"Hello"}]}`
	r, err := http.NewRequest(http.MethodPost, s.URL+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Sim-Fault", fault)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// value is that of the one series of a name with such labels, in a scrape.
func value(scrape, name, labels string) (float64, error) {
	all := regexp.MustCompile(`(?m)^`+name+`\{[^}]*`+labels+`[^}]*\} (\S+)$`).FindAllStringSubmatch(scrape, -1)
	if len(all) != 1 {
		return 0, fmt.Errorf("%d series %s with %s", len(all), name, labels)
	}
	return strconv.ParseFloat(all[0][1], 64)
}

// TestInteropStreamThatPausesFortySeconds is seen while it is silent, and counts once with its
// length when it goes on.
func TestInteropStreamThatPausesFortySeconds(t *testing.T) {
	exe := interop.Build(t)
	s := exe.StartSidecar(t, exe.StartSimulator(t).URL)
	over := make(chan error, 1)
	go func() { over <- ask(s, "stall=40s@20") }()
	silent := func(age string, want float64) error {
		got, err := value(interop.Fetch(t, "http://"+s.Admin+"/metrics"), "headway_streams_silent", `age="`+age+`"[^}]*phase="mid_stream"`)
		if err == nil && got != want {
			err = fmt.Errorf("%v streams are silent for %s, want %v", got, age, want)
		}
		return err
	}
	interop.Eventually(t, 36*time.Second, func() error { return silent("30s", 1) })
	if err := silent("60s", 0); err != nil {
		t.Error(err)
	}
	var open struct {
		Streams []struct {
			Silent float64 `json:"silent_s"`
			Tokens int     `json:"tokens"`
		}
	}
	if err := interop.GetJSON("http://"+s.Admin+"/api/v1/open", &open); err != nil || len(open.Streams) != 1 || open.Streams[0].Silent < 30 || open.Streams[0].Tokens != 20 {
		t.Errorf("open are %+v, %v", open, err)
	}
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	interop.Eventually(t, 10*time.Second, func() error { return silent("10s", 0) })
	scrape := interop.Fetch(t, "http://"+s.Admin+"/metrics")
	const resumed = `ended="resumed"[^}]*phase="mid_stream"`
	if n, err := value(scrape, "headway_silences_total", resumed); err != nil || n != 1 {
		t.Errorf("%v silences, %v", n, err)
	}
	length, err := value(scrape, "headway_silence_seconds_sum", resumed)
	if err != nil || length < 39.5 || length > 42 {
		t.Errorf("it lasted %v s, %v", length, err)
	}
	s.Process.Stop(t)
	text, err := os.ReadFile(s.Capture)
	if err != nil {
		t.Fatal(err)
	}
	for line, err := range capture.Read(bytes.NewReader(text)) {
		if err != nil || line.Kind == "" && (len(line.Silences) != 1 || line.Silences[0].Wait != length) {
			t.Errorf("the capture has %+v, %v; the histogram %v s", line.Silences, err, length)
		}
	}
}

// TestInteropWhosePause: beside a simulated model server four of five streams stop for three
// seconds at the same time, and then one by itself.
func TestInteropWhosePause(t *testing.T) {
	exe := interop.Build(t)
	s := exe.StartSidecar(t, exe.StartSimulator(t, "--step", "50ms").URL, "HEADWAY_ROLE=server")
	run := func(faults ...string) {
		over := make(chan error, len(faults))
		for _, fault := range faults {
			go func() { over <- ask(s, fault) }()
		}
		for range faults {
			if err := <-over; err != nil {
				t.Error(err)
			}
		}
	}
	pauses := func() float64 {
		n, err := value(interop.Fetch(t, "http://"+s.Admin+"/metrics"), "headway_engine_pauses_total", `model="sim-medium"`)
		if err != nil {
			return 0
		}
		return n
	}
	const stop, none = "stall=3s@20", "stall=1ms@1"
	run(stop, none, none, none, none)
	time.Sleep(5 * time.Second) // two looks
	if n := pauses(); n != 0 {
		t.Errorf("one stream stopped, and %v pauses of the engine count", n)
	}
	run(stop, stop, stop, stop, none)
	interop.Eventually(t, 10*time.Second, func() error {
		if n := pauses(); n != 1 {
			return fmt.Errorf("%v pauses, want 1", n)
		}
		return nil
	})
	scrape := interop.Fetch(t, "http://"+s.Admin+"/metrics")
	length, err := value(scrape, "headway_engine_pause_seconds_sum", "")
	if err != nil || length < 2.8 || length > 4 {
		t.Errorf("it lasted %v s, %v", length, err)
	}
	for by, want := range map[string]float64{"engine": 4, "upstream": 1} {
		below, err := value(scrape, "headway_stall_seconds_bucket", `by="`+by+`"[^}]*le="2.5"`)
		all, err2 := value(scrape, "headway_stall_seconds_count", `by="`+by+`"`)
		if err != nil || err2 != nil || all-below != want {
			t.Errorf("%v stalls of 3 s by %s, want %v: %v %v", all-below, by, want, err, err2)
		}
	}
}
