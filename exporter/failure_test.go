package exporter_test

import (
	"strconv"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestAStatusThatNobodyUsesBecomesItsClass(t *testing.T) {
	for status, want := range map[exchange.ErrorType]string{
		"404": "404", "429": "429", "529": "529", "499": "499", "520": "520", // registered, or of vendors
		"419": "4xx", "599": "5xx", "600": "6xx", "999": "9xx",
		"timeout": "timeout", "_OTHER": "_OTHER", "": "", "4x4": "4x4",
	} {
		r := with(func(r *exchange.Record) { r.Outcome, r.ErrorType = exchange.HTTPError, status })
		checkDraws(t, instrument(t, "headway.requests"), r, []sample{one(1, "true", "http_error", want)})
		checkDraws(t, instrument(t, "gen_ai.client.operation.duration"), r, []sample{one(.21, want)})
	}
}

func TestStatusesMakeFewSeries(t *testing.T) {
	labels := map[string]bool{}
	for status := 400; status < 1000; status++ {
		r := with(func(r *exchange.Record) { r.ErrorType = exchange.ErrorType(strconv.Itoa(status)) })
		var reading exporter.Reading
		reading.Fill(r, exporter.NewNames(1, 1))
		var s exporter.Samples
		instrument(t, "headway.requests").Draw(&reading, &s)
		labels[s[0].Extra[2]] = true
	}
	if len(labels) > 60 {
		t.Errorf("600 statuses make %d labels", len(labels))
	}
}
