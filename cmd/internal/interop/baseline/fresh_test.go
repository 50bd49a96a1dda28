//go:build interop

package baseline_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// loadTool is a real load-test tool, and how it makes the load of these tests.
type loadTool struct {
	name string
	// slow is a tool that only `make interop-all` installs and tries.
	slow bool
	// cutsAreSuccesses is a tool that takes a stream that broke off for a success.
	cutsAreSuccesses bool
	// drive makes the load and leaves the tool's files in the folder of the stage.
	drive func(*stage)
	// warmUp is how many requests the tool sends first and does not count.
	warmUp   int
	readings []reading
}

// reading is one way to read the files of one run.
type reading struct {
	files []string
	flags []string // of headway baseline import: what the files do not carry
	// blind is a file that does not tell failures: the cell must have the flag for that.
	blind bool
	// late is a file that the tool wrote before its last requests ended.
	late bool
	// byClock is a file of a tool that ends at a moment, and counts none of the requests that
	// end in that moment: one of each client at most.
	byClock bool
	// startsLate is a file whose time begins with the end of the first request.
	startsLate bool
	// against names, by indicator, the truth to compare with, as in run.
	against map[baseline.Name]string
	numbers []own // in the first file
}

// everything says whether the slow tools are tried too.
func everything() bool { return os.Getenv("HEADWAY_TEST_LOADTOOLS") == "all" }

// tries is how often a tool makes its load until its times are true. A machine that is busy
// with something else delays a tool now and then. A wrong definition is off every time.
const tries = 3

// Each tool makes its load twice: it drives the simulator directly, and then through
// headway, with failures among the answers.
func TestInteropFreshFilesOfLoadTestTools(t *testing.T) {
	headway := interop.Build(t)
	for _, tool := range loadTools() {
		if tool.slow && !everything() {
			t.Logf("%s: make interop-all tries it", tool.name)
			continue
		}
		t.Run(tool.name, func(t *testing.T) {
			for name, drive := range map[string]func(*testing.T, interop.Program, loadTool) error{"directly": driveDirectly, "with failures, through headway": driveWithFailures} {
				t.Run(name, func(t *testing.T) { tryDrive(t, func() error { return drive(t, headway, tool) }) })
			}
		})
	}
	for _, one := range missing() {
		t.Logf("%s: not tried: %s", one.tool, one.why)
	}
}

// tryDrive drives until the times are true, and fails the test after the last try.
func tryDrive(t *testing.T, drive func() error) {
	t.Helper()
	var err error
	for n := range tries {
		if err = drive(); err == nil || t.Failed() {
			break
		}
		t.Logf("try %d: %v", n+1, err)
	}
	if err != nil {
		t.Error(err)
	}
}

// driveDirectly holds each reading to the tool's own numbers and to the truth. The error
// has the times that are not true.
func driveDirectly(t *testing.T, headway interop.Program, tool loadTool) error {
	s := newStage(t, headway)
	tool.drive(s)
	of, failed := s.truth(tool.warmUp)
	if failed > 0 {
		t.Errorf("%d requests failed", failed)
	}
	var off []error
	for _, r := range tool.readings {
		c := s.imported(r.files, r.flags)
		s.compareCounts(r, c, of)
		compareWithTool(t, s.text(r.files[0]), r.numbers, c)
		known := of
		if r.startsLate {
			known.Load.Mean = 0
		}
		off = append(off, deviations(t, run{name: tool.name, against: r.against}, c, known)...)
	}
	return errors.Join(off...)
}

// driveWithFailures holds each reading to the truth of the requests that did not fail. A
// tool that mixes failures with them gives a cell with a flag that says so. headway, which
// stood between, must know each failure. The error has the times that are not true.
func driveWithFailures(t *testing.T, headway interop.Program, tool loadTool) error {
	faults := []string{"http=503:0.2"}
	if !tool.cutsAreSuccesses {
		faults = append(faults, "cut@8:0.1")
	}
	s := newStage(t, headway, faults...)
	tool.drive(s)
	of, failed := s.truth(tool.warmUp)
	if failed == 0 {
		t.Fatal("no request failed")
	}
	of.Load.Mean = 0 // tools do not agree whether a failure is a part of it
	var off []error
	for _, r := range tool.readings {
		c := s.imported(r.files, r.flags)
		t.Logf("%v: %s requests, and truly %d and %d failed; flags %v", r.files, interop.InJSON(c.Requests), of.Counts.OK, failed, c.Flags)
		if r.blind {
			if !slices.Contains(c.Flags, baseline.NoErrors) {
				t.Errorf("%v: no flag says that the file does not tell failures", r.files)
			}
			continue
		}
		s.compareCounts(r, c, of)
		if slices.Contains(c.Flags, baseline.FailuresIn) {
			continue
		}
		if err := fastFailures(c, of); err != nil {
			t.Errorf("%v: %v", r.files, err)
		}
		off = append(off, deviations(t, run{name: tool.name, against: r.against}, c, of)...)
	}
	s.compareCapture()
	return errors.Join(off...)
}

// compareCounts holds the number of successes to the simulator's.
func (s *stage) compareCounts(r reading, c baseline.Cell, of truth) {
	s.Helper()
	missed := of.Counts.OK - c.Requests.OK
	if r.byClock && missed > 0 && missed <= clients {
		return
	}
	if !r.late && missed != 0 {
		s.Errorf("%v: %d requests, and truly %d", r.files, c.Requests.OK, of.Counts.OK)
	}
}

// compareCapture ends headway and holds its own capture to the truth. Requests that their
// tool left in the middle are no successes.
func (s *stage) compareCapture() {
	s.Helper()
	s.sidecar.Process.Stop(s.T)
	own := s.importPaths([]string{s.sidecar.Capture}, append(s.inputs, "--concurrency", fmt.Sprint(clients)))
	of, _ := s.truth(0)
	if others := len(s.simulator.Exchanges(s.T)) - of.Counts.OK; own.Requests.OK != of.Counts.OK || own.Requests.Failed == nil || *own.Requests.Failed != others {
		s.Errorf("headway's capture has %s requests, and truly %d, and %d others", interop.InJSON(own.Requests), of.Counts.OK, others)
	}
}

// fastFailures returns an error if the cell has a request that was over before any that
// succeeded: as its least value, in its lowest percentile or among its single values.
func fastFailures(c baseline.Cell, of truth) error {
	in := c.Indicators[baseline.E2E]
	fastest := slices.Clone(in.Values)
	if in.Min != nil {
		fastest = append(fastest, *in.Min)
	}
	if len(in.Quantiles) > 0 {
		fastest = append(fastest, in.Quantiles[0].Value)
	}
	if least := of.Seconds["e2e_last_token"].Min; len(fastest) > 0 && slices.Min(fastest) < .95*least {
		return fmt.Errorf("the fastest request took %.6f s, and truly the fastest success took %.6f s", slices.Min(fastest), least)
	}
	return nil
}

// text returns the first file that a pattern names.
func (s *stage) text(name string) []byte {
	s.Helper()
	found, _ := filepath.Glob(filepath.Join(s.dir, name))
	if len(found) == 0 {
		s.Fatalf("%s is not there", name)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		s.Fatal(err)
	}
	return text
}
