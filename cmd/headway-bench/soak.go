package main

import (
	"slices"
	"time"
)

// streamWorst describes the streams of a soak one by one, in nanoseconds of lateness.
type streamWorst struct {
	MedianP999 int64 `json:"median_p999"` // half of the streams have a p999 no worse
	WorstP999  int64 `json:"worst_p999"`
	WorstMax   int64 `json:"worst_max"`
}

// runSoak opens the streams once, each as long as the scenario, and checks every byte.
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
	l.book(from, to)
	// Role, finish reason, usage and [DONE] come on top of the content.
	l.result.Expected = int64(spec.Streams) * int64(l.spec.Events+4)
	l.reserve(spec.Streams * l.spec.Events)
	var p999 []int64
	for _, s := range streams {
		q := quantilesOf(slices.Clone(s.late))
		p999 = append(p999, q.P999)
		l.result.Worst.WorstMax = max(l.result.Worst.WorstMax, q.Max)
		l.lateness = append(l.lateness, s.late...)
	}
	q := quantilesOf(p999)
	l.result.Worst.MedianP999, l.result.Worst.WorstP999 = q.P50, q.Max
	return nil
}
