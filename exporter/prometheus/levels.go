package prometheus

import (
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/headway-sidecar/headway/exporter"
)

// levels holds the instruments that read the running program, once a scrape.
type levels struct {
	live    exporter.Live
	names   *exporter.Names
	started time.Time
	rows    []levelRow
}

type levelRow struct {
	exporter.Instrument
	desc *client.Desc
}

func (l *levels) add(in exporter.Instrument) {
	l.rows = append(l.rows, levelRow{in, client.NewDesc(Name(&in), in.Help, Labels(&in), nil)})
}

// Describe implements client_golang's Collector.
func (l *levels) Describe(to chan<- *client.Desc) {
	for i := range l.rows {
		to <- l.rows[i].desc
	}
}

// Collect implements client_golang's Collector.
func (l *levels) Collect(to chan<- client.Metric) {
	for i := range l.rows {
		row := &l.rows[i]
		row.Read(&l.live, l.names, func(value float64, labels ...string) {
			to <- l.metric(row, value, labels)
		})
	}
}

// metric turns a level into a metric. A level that cannot be one fails the scrape with
// its reason.
func (l *levels) metric(row *levelRow, value float64, labels []string) client.Metric {
	var m client.Metric
	var err error
	if row.Kind == exporter.Counter {
		m, err = client.NewConstMetricWithCreatedTimestamp(row.desc, client.CounterValue, value, l.started, labels...)
	} else {
		m, err = client.NewConstMetric(row.desc, client.GaugeValue, value, labels...)
	}
	if err != nil {
		return client.NewInvalidMetric(row.desc, err)
	}
	return m
}
