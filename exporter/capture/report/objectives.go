package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Objectives are limits that an exchange must keep to be good. Zero is no limit.
type Objectives struct {
	TTFT   time.Duration
	TPOT   time.Duration
	ITLP99 time.Duration // of the exchange's own gaps
	E2E    time.Duration
}

// ParseObjectives reads ttft=500ms,tpot=50ms,itl_p99=200ms,e2e=20s, in any order
// and as many of them as wanted.
func ParseObjectives(text string) (Objectives, error) {
	var o Objectives
	fields := map[string]*time.Duration{"ttft": &o.TTFT, "tpot": &o.TPOT, "itl_p99": &o.ITLP99, "e2e": &o.E2E}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(pair, "=")
		field := fields[strings.TrimSpace(name)]
		if field == nil {
			return Objectives{}, fmt.Errorf("objective %q: want ttft, tpot, itl_p99 or e2e, as in ttft=500ms", pair)
		}
		limit, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil {
			return Objectives{}, fmt.Errorf("objective %q: %w", pair, err)
		}
		if limit <= 0 {
			return Objectives{}, fmt.Errorf("objective %q: must be more than 0", pair)
		}
		*field = limit
	}
	return o, nil
}

// String spells o as ParseObjectives reads it.
func (o Objectives) String() string {
	var out []string
	for _, f := range []struct {
		name  string
		limit time.Duration
	}{{"ttft", o.TTFT}, {"tpot", o.TPOT}, {"itl_p99", o.ITLP99}, {"e2e", o.E2E}} {
		if f.limit > 0 {
			out = append(out, f.name+"="+f.limit.String())
		}
	}
	return strings.Join(out, ",")
}

// verdict is what an exchange was, measured by Objectives.
type verdict struct {
	good     bool
	excluded bool     // counts neither way
	missed   []string // ttft, tpot, itl_p99, e2e; error for an exchange that failed
}

// judge measures one exchange. What it does not have cannot be missed: the TTFT of
// a response in one piece, the TPOT of a single token. A client that left before
// any limit was passed says nothing about the service; one that left after is a
// miss.
func (o Objectives) judge(l *capture.Line) verdict {
	var v verdict
	miss := func(name string, value float64, limit time.Duration) {
		if limit > 0 && value > float64(limit)/float64(time.Second) {
			v.missed = append(v.missed, name)
		}
	}
	gone := l.Outcome == string(exchange.ClientGone)
	if !gone && l.Outcome != string(exchange.OK) {
		v.missed = append(v.missed, "error")
		return v
	}
	switch {
	case l.TTFT > 0 || !l.Stream:
		miss("ttft", l.TTFT, o.TTFT)
	case l.ContentChunks != nil && *l.ContentChunks > 0: // a replay, which has no times
	case gone:
		miss("ttft", l.E2E, o.TTFT)
	case o.TTFT > 0: // a stream that ended well without a token
		v.missed = append(v.missed, "ttft")
	}
	miss("tpot", l.TPOT, o.TPOT)
	if l.ITL != nil {
		miss("itl_p99", l.ITL.P99, o.ITLP99)
	}
	miss("e2e", l.E2E, o.E2E)
	v.excluded = gone && len(v.missed) == 0
	v.good = !gone && len(v.missed) == 0
	return v
}
