package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// usersExample is a right value of --users.
const usersExample = "10000,active=10%,sessions=1,interactions=2,hours=1"

// parseUsers reads 10000,active=10%,sessions=1,interactions=2,hours=1, each of them once and
// in any order but for the users. It is nil for the empty text.
func parseUsers(text string) (*baseline.Demand, error) {
	if text == "" {
		return nil, nil
	}
	var d baseline.Demand
	missing := map[string]*float64{"active": &d.Active, "sessions": &d.Sessions, "interactions": &d.Interactions, "hours": &d.Hours}
	users, rest, _ := strings.Cut(text, ",")
	var err error
	if d.Users, err = positive(users); err != nil {
		return nil, fmt.Errorf("--users %q: %q is no number of people; want for example %s", text, users, usersExample)
	}
	for pair := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		into, open := missing[name]
		if !open {
			return nil, fmt.Errorf("--users %q: %q; want active, sessions, interactions and hours, each once: %s", text, pair, usersExample)
		}
		delete(missing, name)
		if *into, err = positive(strings.TrimSuffix(value, "%")); err != nil || strings.HasSuffix(value, "%") != (name == "active") {
			return nil, fmt.Errorf("--users %q: %q; want a number above 0, and of active a percentage: %s", text, pair, usersExample)
		}
	}
	for _, name := range []string{"active", "sessions", "interactions", "hours"} {
		if missing[name] != nil {
			return nil, fmt.Errorf("--users %q: %s is missing; want for example %s", text, name, usersExample)
		}
	}
	d.Active /= 100
	if d.Active > 1 || d.Hours > 24 || d.PerMinute() > 1e12 {
		return nil, fmt.Errorf("--users %q: want at most 100%% active, 24 hours, and 1e12 requests a minute from all that: %s", text, usersExample)
	}
	return &d, nil
}

// positive reads a number above 0.
func positive(text string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err == nil && (!(v > 0) || v > 1e12) {
		err = strconv.ErrRange
	}
	return v, err
}

// enough says whether a load covers what people need. The load is nil if none may count.
func enough(d *baseline.Demand, load *baseline.Cell) string {
	need := rounded(d.PerMinute()) + " requests a minute are needed"
	switch {
	case load == nil:
		return need + "; no load that was tested counts"
	case load.Throughput.Requests == nil:
		return need + "; the baseline does not say how many there were with " + load.Load.Words()
	}
	had := *load.Throughput.Requests * 60
	factor := had / d.PerMinute()
	out := fmt.Sprintf("%s; %s gave %s, %s × as many", need, load.Load.Words(), rounded(had), rounded(factor))
	if factor >= 1 {
		return out + ": enough"
	}
	return out + ": not enough"
}

// rounded writes v with three digits.
func rounded(v float64) string {
	digits := 2 - int(math.Floor(math.Log10(max(v, 1e-9))))
	return strconv.FormatFloat(v, 'f', max(digits, 0), 64)
}
