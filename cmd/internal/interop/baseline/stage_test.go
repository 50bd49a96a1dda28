//go:build interop

package baseline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// The load that every tool makes: so many requests, from so many clients at a time or at
// so many a second, each for so many tokens.
const (
	requests     = 48
	clients      = 4
	perSecond    = 12
	outputTokens = 24
	model        = "sim-medium"
)

// stage is where one tool makes its load: a folder of its own, and a simulator, perhaps
// behind headway.
type stage struct {
	*testing.T
	headway   interop.Program
	simulator interop.Simulator
	sidecar   *interop.Sidecar // nil if the tool drives the simulator directly
	url       string           // where the tool sends its requests
	dir       string
	// inputs tells the lengths of prompts in flags: a tool that asks for no usage leaves them
	// out of headway's capture.
	inputs []string
}

// newStage starts the parts. faults are those of the simulator; with any, headway stands
// between the tool and the simulator.
func newStage(t *testing.T, headway interop.Program, faults ...string) *stage {
	t.Helper()
	var flags []string
	for _, one := range faults {
		flags = append(flags, "--fault", one)
	}
	s := &stage{T: t, headway: headway, simulator: headway.StartSimulator(t, flags...), dir: t.TempDir()}
	s.url = s.simulator.URL
	if len(faults) > 0 {
		s.sidecar = headway.StartSidecar(t, s.simulator.URL)
		s.url = s.sidecar.URL
	}
	s.writeBody("stream.json", true)
	s.writeBody("plain.json", false)
	return s
}

// writeBody writes the body of a chat completion, for the tools that send one.
func (s *stage) writeBody(name string, stream bool) {
	s.Helper()
	body := map[string]any{
		"model": model, "max_tokens": outputTokens, "stream": stream,
		"messages": []map[string]string{{"role": "user", "content": strings.Repeat("How high are the waves tonight? ", 20)}},
	}
	if stream {
		body["stream_options"] = map[string]bool{"include_usage": true}
	}
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	s.write(name, string(text))
}

// write writes a file into the folder of the stage.
func (s *stage) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
}

// chat is the URL of chat completions.
func (s *stage) chat() string { return s.url + "/v1/chat/completions" }

// port is the port that the tool sends its requests to.
func (s *stage) port() string {
	u, err := url.Parse(s.url)
	if err != nil {
		s.Fatal(err)
	}
	return u.Port()
}

// run runs a tool in the folder and writes its standard output into one file and its
// standard error into another, of the same name and ".stderr". The tool must end with 0.
// After faults it may end with another code, as Locust does.
func (s *stage) run(output, exe string, args ...string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, exe, args...)
	c.Dir, c.Env = s.dir, append(os.Environ(), "HOME="+s.dir, "HF_HUB_OFFLINE=1")
	c.WaitDelay = 5 * time.Second
	stdout, stderr := s.create(output), s.create(output+".stderr")
	defer stdout.Close()
	defer stderr.Close()
	c.Stdout, c.Stderr = stdout, stderr
	err := c.Run()
	var exit *exec.ExitError
	if err == nil || s.sidecar != nil && ctx.Err() == nil && errors.As(err, &exit) {
		return
	}
	s.Fatalf("%s: %v\n%s\n%s", filepath.Base(exe), err, s.end(output), s.end(output+".stderr"))
}

func (s *stage) create(name string) *os.File {
	s.Helper()
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		s.Fatal(err)
	}
	return f
}

// end returns the end of a file, for messages.
func (s *stage) end(name string) []byte {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return text[max(0, len(text)-2000):]
}

// imported returns the cell that `headway baseline import` makes of the files.
func (s *stage) imported(files, flags []string) baseline.Cell {
	s.Helper()
	var paths []string
	for _, name := range files {
		found, _ := filepath.Glob(filepath.Join(s.dir, name))
		if len(found) != 1 {
			s.Fatalf("%s: %d files", name, len(found))
		}
		paths = append(paths, found...)
	}
	return s.importPaths(paths, flags)
}

func (s *stage) importPaths(paths, flags []string) baseline.Cell {
	s.Helper()
	out, err := exec.Command(string(s.headway), slices.Concat([]string{"baseline", "import"}, flags, paths)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			s.Fatalf("headway baseline import: %v: %s", err, exit.Stderr)
		}
		s.Fatal(err)
	}
	b, err := baseline.Read(bytes.NewReader(out))
	if err != nil {
		s.Fatal(err)
	}
	if len(b.Cells) != 1 {
		s.Fatalf("%d cells, want 1", len(b.Cells))
	}
	return b.Cells[0]
}

// truth returns what the simulator measured of the requests that it answered to their
// ends, without those of the warm-up, and the number of those that failed. The tools that
// stop at a given time leave their last requests: these are neither.
func (s *stage) truth(warmUp int) (truth, int) {
	s.Helper()
	all := s.simulator.Exchanges(s.T)
	all = all[min(warmUp, len(all)):]
	var ok []modelsim.Exchange
	failed := 0
	for _, x := range all {
		switch x.Outcome {
		case modelsim.OutcomeOK:
			ok = append(ok, x)
		case modelsim.OutcomeRefused, modelsim.OutcomeFault:
			failed++
		}
	}
	if len(ok) == 0 {
		s.Fatalf("the simulator answered none of %d requests", len(all))
	}
	of := truth{Model: model, Seconds: map[string]*spread{}}
	of.Counts.OK = len(ok)
	for name, measure := range measures() {
		of.Seconds[name] = spreadOf(ok, measure)
	}
	var busy int64
	first, last := all[0].ReceivedAt, int64(0)
	for _, x := range all {
		busy += x.EndAt - x.ReceivedAt
		last = max(last, x.EndAt)
	}
	of.Load.Mean = float64(busy) / float64(last-first)
	return of, failed
}

// measures are the times of an exchange in nanoseconds, by the names that they have in
// truth.json.
func measures() map[string]func(modelsim.Exchange) int64 {
	return map[string]func(modelsim.Exchange) int64{
		"ttft_first_event":     func(x modelsim.Exchange) int64 { return x.FirstEventAt - x.ReceivedAt },
		"ttft_first_content":   func(x modelsim.Exchange) int64 { return int64(x.TTFT()) },
		"response_head":        func(x modelsim.Exchange) int64 { return x.HeadAt - x.ReceivedAt },
		"tpot_mean_excl_first": func(x modelsim.Exchange) int64 { return int64(x.TPOT()) },
		"e2e_last_token":       func(x modelsim.Exchange) int64 { return x.Chunks[len(x.Chunks)-1].At - x.ReceivedAt },
		"e2e_end_of_body":      func(x modelsim.Exchange) int64 { return x.EndAt - x.ReceivedAt },
		"ntpot_e2e_per_token":  func(x modelsim.Exchange) int64 { return (x.EndAt - x.ReceivedAt) / int64(x.OutputTokens) },
	}
}

// spreadOf returns the distribution of a time, in seconds.
func spreadOf(all []modelsim.Exchange, measure func(modelsim.Exchange) int64) *spread {
	var times []float64
	sum := 0.0
	for _, x := range all {
		v := float64(measure(x)) / 1e9
		times, sum = append(times, v), sum+v
	}
	slices.Sort(times)
	at := func(p float64) float64 { // by linear interpolation
		rank := p * float64(len(times)-1)
		below := int(rank)
		above := min(below+1, len(times)-1)
		return times[below] + (rank-float64(below))*(times[above]-times[below])
	}
	return &spread{
		N: len(times), Mean: sum / float64(len(times)), Min: times[0],
		P50: at(.5), P90: at(.9), P95: at(.95), P99: at(.99), Max: times[len(times)-1],
	}
}
