//go:build interop

package retries_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// chainLine has the fields of a capture line that these tests read. The line of an
// exchange has all but Call; the line of a chain has only Kind and Call.
type chainLine struct {
	Kind     string    `json:"kind"`
	Start    time.Time `json:"start"`
	Upstream string    `json:"upstream"`
	E2E      float64   `json:"e2e_s"`
	Chain    struct {
		ID       string `json:"id"`
		Attempt  int    `json:"attempt"`
		JoinedBy string `json:"joined_by"`
		Outcome  string `json:"outcome"`
	} `json:"chain"`
	Call struct {
		ID       string   `json:"id"`
		Outcome  string   `json:"outcome"`
		Attempts int      `json:"attempts"`
		JoinedBy []string `json:"joined_by"`
		Upstream string   `json:"upstream"`
		E2E      float64  `json:"e2e_s"`
		Slept    float64  `json:"slept_s"`
		Ignored  int      `json:"retry_after_ignored"`
	} `json:"call"`
}

// reportedChain is headway's report of one call.
type reportedChain struct {
	id, outcome string
	attempts    int
	joinedBy    []string
	lasted      time.Duration
	slept       time.Duration
	ignored     int         // attempts that came sooner than the server had asked for
	lines       []chainLine // of the attempts, in order of start
	chains      int
}

// readChains reads the chain of every call from the capture. It ends the sidecar first,
// so that the sidecar closes the chains that still wait for attempts.
func readChains(t *testing.T, s *interop.Sidecar, calls []*retryCall) {
	t.Helper()
	s.Process.Stop(t)
	text, err := os.ReadFile(s.Capture)
	if err != nil {
		t.Fatal(err)
	}
	byUpstream := map[string]*retryCall{}
	for _, c := range calls {
		byUpstream[c.upstream()] = c
	}
	lines := interop.DecodeLines[chainLine](t, text)
	slices.SortStableFunc(lines, func(a, b chainLine) int { return a.Start.Compare(b.Start) })
	for _, l := range lines {
		if l.Kind == capture.KindTurn {
			continue
		}
		if c := byUpstream[cmp.Or(l.Upstream, l.Call.Upstream)]; c != nil {
			c.chain.add(l)
		} else {
			t.Errorf("a line of no call: %+v", l)
		}
	}
}

// add adds a line. A call with an answer at the first attempt has no line of a chain.
func (r *reportedChain) add(l chainLine) {
	if l.Kind == "" {
		r.lines = append(r.lines, l)
		if l.Chain.Outcome != "first_try" {
			return
		}
		l.Call.ID, l.Call.Outcome, l.Call.Attempts, l.Call.E2E = l.Chain.ID, l.Chain.Outcome, 1, l.E2E
	}
	r.chains++
	r.id, r.outcome, r.attempts, r.joinedBy = l.Call.ID, l.Call.Outcome, l.Call.Attempts, l.Call.JoinedBy
	r.lasted, r.slept, r.ignored = milliseconds(l.Call.E2E*1e3), milliseconds(l.Call.Slept*1e3), l.Call.Ignored
}

// asleep is the most by which the times of two processes may differ: other processes
// may keep either of them from running.
const asleep = 500 * time.Millisecond

// compare returns the differences between the chain that headway reports and the
// attempts that the client logged and the server saw. Without differences it returns
// "".
func (c *retryCall) compare() string {
	var problems []string
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	reported, saw := &c.chain, c.server.saw()
	if reported.chains != 1 {
		complain("headway reports %d chains", reported.chains)
	}
	if got := fmt.Sprintf("%s after %d", reported.outcome, reported.attempts); !slices.Contains(c.outcomes(), got) {
		complain("headway reports %s, the client %s", got, strings.Join(c.outcomes(), " or "))
	}
	if len(reported.lines) != len(saw) {
		complain("headway has lines of %d attempts, the server saw %d", len(reported.lines), len(saw))
		return strings.Join(problems, "; ")
	}
	for i, l := range reported.lines {
		switch {
		case l.Chain.ID != reported.id:
			complain("attempt %d is in chain %q, the call is %q", i+1, l.Chain.ID, reported.id)
		case l.Chain.Attempt != i+1:
			complain("attempt %d is numbered %d", i+1, l.Chain.Attempt)
		case l.Chain.JoinedBy != strongest(i, saw[i]):
			complain("attempt %d is joined by %q, the client sent %v", i+1, l.Chain.JoinedBy, saw[i].Markers)
		case i < len(saw)-1 && l.Chain.Outcome != "":
			complain("attempt %d ends the chain as %s", i+1, l.Chain.Outcome)
		}
	}
	if d, least := reported.lasted, c.server.untilLast(); d > c.client.duration()+asleep || d < least-asleep {
		complain("headway's chain lasted %s, the client's call %s, and the last attempt came to the server after %s", d, c.client.duration(), least)
	}
	slept, least, most := c.server.slept()
	if (reported.slept - slept).Abs() > asleep {
		complain("headway saw %s between the attempts, the server %s", reported.slept, slept)
	}
	if reported.ignored < least || reported.ignored > most {
		complain("headway saw %d attempts come too soon, the server between %d and %d", reported.ignored, least, most)
	}
	return strings.Join(problems, "; ")
}

// untilLast returns the time from the start of the first attempt to that of the last. A
// client's own log begins earlier: on a busy machine some SDKs take a second from there to
// their first byte.
func (s *scripted) untilLast() time.Duration {
	saw := s.saw()
	if len(saw) == 0 {
		return 0
	}
	return saw[len(saw)-1].Start.Sub(saw[0].Start)
}

// slept returns the time between the attempts, and the number of attempts that came
// sooner than the answer before them had asked for. That number lies between least and
// most, because an attempt that came just in time may count or not.
func (s *scripted) slept() (all time.Duration, least, most int) {
	const justInTime = 50 * time.Millisecond
	saw := s.saw()
	for i := 1; i < len(saw); i++ {
		slept := saw[i].Start.Sub(saw[i-1].End)
		all += slept
		asked := s.script.fault(i - 1).asks()
		least += toInt(slept < asked-justInTime)
		most += toInt(asked > 0 && slept < asked+justInTime)
	}
	return all, least, most
}

// asks returns the time that the answer tells the client to wait, or 0. f is nil for an
// attempt that did not fail.
func (f *fault) asks() time.Duration {
	if f == nil {
		return 0
	}
	seconds, _ := strconv.Atoi(f.header.Get("Retry-After"))
	ms, _ := strconv.Atoi(f.header.Get("Retry-After-Ms"))
	return time.Duration(seconds)*time.Second + time.Duration(ms)*time.Millisecond
}

// strongest returns the strongest evidence in attempt i, counted from 0, that joins it
// to the one before.
func strongest(i int, attempt seen) string {
	switch count := attempt.Markers["X-Stainless-Retry-Count"]; {
	case i == 0:
		return ""
	case attempt.Markers["Amz-Sdk-Invocation-Id"] != "":
		return "amz-sdk-invocation-id"
	case count != "" && count != "0":
		return "x-stainless-retry-count"
	}
	return "fingerprint"
}

// checkNoneShared fails the test if one chain has attempts of two calls.
func checkNoneShared(t *testing.T, calls []*retryCall) {
	t.Helper()
	owner := map[string]*retryCall{}
	for _, c := range calls {
		for _, l := range c.chain.lines {
			if other := owner[l.Chain.ID]; other != nil && other != c {
				t.Errorf("%s and %s share chain %q", c.ID, other.ID, l.Chain.ID)
			}
			owner[l.Chain.ID] = c
		}
	}
}
