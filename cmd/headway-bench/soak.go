package main

import (
	"slices"
	"time"
)

// streamWorst compares the streams of a soak with each other, in nanoseconds of lateness.
type streamWorst struct {
	MedianP999 int64 `json:"median_p999"` // p99.9 of the middle stream
	WorstP999  int64 `json:"worst_p999"`  // p99.9 of the worst stream
	WorstMax   int64 `json:"worst_max"`   // the latest event of all
}

// runSoak opens every stream once, lets it last as long as the scenario, and checks every byte.
func (l *loader) runSoak() error {
	spec := l.spec
	l.spec.Events = int(spec.Duration / spec.Interval)
	l.perStream = true
	from, err := l.usage()
	if err != nil {
		return err
	}
	streams, err := l.openAll(spec.Warmup, false)
	if err != nil {
		return err
	}
	if err := l.sleep(spec.Duration); err != nil {
		return err
	}
	if err := l.endStreams(streams, 10*time.Second); err != nil {
		return err
	}
	to, err := l.usage()
	if err != nil {
		return err
	}
	l.setWindow(from, to)
	// A stream has four more events than content: role, finish reason, usage and [DONE].
	l.result.Expected = int64(spec.Streams) * int64(l.spec.Events+4)
	l.compareStreams(streams)
	return nil
}

// compareStreams gathers the lateness of all streams, and compares the streams.
func (l *loader) compareStreams(streams []*streamClient) {
	l.reserve(len(streams) * l.spec.Events)
	var p999 []int64
	for _, s := range streams {
		q := quantilesOf(slices.Clone(s.late))
		p999 = append(p999, q.P999)
		l.result.Worst.WorstMax = max(l.result.Worst.WorstMax, q.Max)
		l.lateness = append(l.lateness, s.late...)
	}
	q := quantilesOf(p999)
	l.result.Worst.MedianP999, l.result.Worst.WorstP999 = q.P50, q.Max
}
