package injector

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/headway-sidecar/headway/cmd/internal/build"
)

// metrics are the injector's own.
type metrics struct {
	registry   *prometheus.Registry
	admissions *prometheus.CounterVec
	duration   prometheus.Histogram
}

// newMetrics returns the metrics of a webhook whose certificate expires at expiry.
func newMetrics(expiry func() time.Time) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "headway_injector_admissions_total", Help: "Reviews that the webhook answered, by result.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "headway_injector_admission_duration_seconds", Help: "Time from the head of a review to its answer.",
			Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5},
		}),
	}
	for _, r := range Results() {
		m.admissions.WithLabelValues(string(r)) // so that each is 0 from the start
	}
	b := build.Info()
	m.registry.MustRegister(m.admissions, m.duration,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "headway_injector_certificate_expiry_timestamp_seconds", Help: "When the certificate of the webhook expires, in Unix time; 0 without one.",
		}, func() float64 {
			if at := expiry(); !at.IsZero() {
				return float64(at.Unix())
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "headway_injector_build_info", Help: "The build of the injector; the value is 1.",
			ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.Go},
		}, func() float64 { return 1 }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) count(r Result) { m.admissions.WithLabelValues(string(r)).Inc() }

// timed returns a function that observes the time since.
func (m *metrics) timed() func() {
	began := time.Now()
	return func() { m.duration.Observe(time.Since(began).Seconds()) }
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
