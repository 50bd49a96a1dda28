package prometheus

import (
	"fmt"
	"strings"

	client "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Count says how many series a Prometheus server makes of metrics.
type Count struct {
	Classic int // with classic histograms: a bucket is a series, and so are the sum and the count
	Native  int // with native ones: a histogram is a series
}

// Minus returns c without the series of o.
func (c Count) Minus(o Count) Count { return Count{c.Classic - o.Classic, c.Native - o.Native} }

// Count counts the series of headway's own instruments that there are now. Call it on an Exporter
// of both forms of histograms.
func (e *Exporter) Count() (Count, error) {
	var all Count
	for _, f := range e.families {
		for _, m := range collected(f) {
			if err := all.add(m); err != nil {
				return Count{}, err
			}
		}
	}
	levels, err := e.registry.Gather()
	if err != nil {
		return Count{}, fmt.Errorf("reading the running program: %w", err)
	}
	for _, f := range levels {
		if strings.HasPrefix(f.GetName(), "headway_") {
			all.Classic, all.Native = all.Classic+len(f.GetMetric()), all.Native+len(f.GetMetric())
		}
	}
	return all, nil
}

// collected lists the metrics of a family.
func collected(f client.Collector) (all []client.Metric) {
	out := make(chan client.Metric)
	go func() {
		defer close(out)
		f.Collect(out)
	}()
	for m := range out {
		all = append(all, m)
	}
	return all
}

// add adds the series of m.
func (c *Count) add(m client.Metric) error {
	var written dto.Metric
	if err := m.Write(&written); err != nil {
		return fmt.Errorf("writing a metric: %w", err)
	}
	c.Native++
	c.Classic++
	if h := written.GetHistogram(); h != nil {
		c.Classic += len(h.GetBucket()) + 2 // the bucket of infinity, the sum and the count, one of them counted
	}
	return nil
}
