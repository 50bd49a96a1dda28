package interop

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Prometheus is a real Prometheus. API is the URL that its API begins with.
type Prometheus struct{ API string }

const scrapeConfig = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: headway
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs:
      - targets: [%q]
`

// StartPrometheus starts a Prometheus that scrapes target, a host and port, once a
// second. It stores both kinds of histogram, and exemplars.
func StartPrometheus(t *testing.T, target string) Prometheus {
	t.Helper()
	p := Configured(t, fmt.Sprintf(scrapeConfig, target))
	p.EventuallyIs(t, "up", 1)
	return p
}

// Configured starts a Prometheus with the text of its configuration file. It stores
// exemplars.
func Configured(t *testing.T, text string) Prometheus {
	t.Helper()
	dir, address := t.TempDir(), FreeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	Start(t, nil, Tool(t, "bin/prometheus"),
		"--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address,
		"--enable-feature=exemplar-storage")
	p := Prometheus{API: "http://" + address + "/api/v1/"}
	Eventually(t, 20*time.Second, func() error { return GetJSON(p.API+"status/buildinfo", new(any)) })
	return p
}

// Query returns the only value of an instant query. No value, or more than one, is an
// error.
func (p Prometheus) Query(promql string) (float64, error) {
	values, err := p.Values(promql)
	switch {
	case err != nil:
		return 0, err
	case len(values) != 1:
		return 0, fmt.Errorf("%s has %d results", promql, len(values))
	}
	return values[0], nil
}

// Values returns the values of an instant query, one for each series.
func (p Prometheus) Values(promql string) ([]float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := GetJSON(p.API+"query?query="+url.QueryEscape(promql), &answer); err != nil {
		return nil, err
	}
	var values []float64
	for _, result := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(result.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// Value returns the only value of an instant query.
func (p Prometheus) Value(t *testing.T, promql string) float64 {
	t.Helper()
	v, err := p.Query(promql)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// EventuallyIs waits until the only value of an instant query is the wanted one.
func (p Prometheus) EventuallyIs(t *testing.T, promql string, want float64) {
	t.Helper()
	Eventually(t, 20*time.Second, func() error {
		got, err := p.Query(promql)
		if err == nil && got != want {
			err = fmt.Errorf("%s is %v, want %v", promql, got, want)
		}
		return err
	})
}

// Eventually waits until an instant query has at least one value that is not 0.
func (p Prometheus) Eventually(t *testing.T, patience time.Duration, promql string) {
	t.Helper()
	Eventually(t, patience, func() error {
		values, err := p.Values(promql)
		if err == nil && !slices.ContainsFunc(values, func(v float64) bool { return v != 0 }) {
			err = fmt.Errorf("%s has the values %v", promql, values)
		}
		return err
	})
}

// Exemplars counts the exemplars of a selector's series by trace id. An exemplar
// without a trace id fails the test.
func (p Prometheus) Exemplars(t *testing.T, selector string) map[string]int {
	t.Helper()
	var answer struct {
		Data []struct {
			Exemplars []struct {
				Labels map[string]string `json:"labels"`
			} `json:"exemplars"`
		} `json:"data"`
	}
	query := url.Values{
		"query": {selector},
		"start": {strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)},
		"end":   {strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)},
	}
	if err := GetJSON(p.API+"query_exemplars?"+query.Encode(), &answer); err != nil {
		t.Fatal(err)
	}
	traces := map[string]int{}
	for _, series := range answer.Data {
		for _, exemplar := range series.Exemplars {
			if labels := slices.Sorted(maps.Keys(exemplar.Labels)); !slices.Contains(labels, "trace_id") {
				t.Errorf("exemplar has labels %s and no trace_id", strings.Join(labels, ", "))
			}
			traces[exemplar.Labels["trace_id"]]++
		}
	}
	return traces
}
