// Package slotest has SLOs for the tests of packages that write SLOs in other formats.
package slotest

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
	"github.com/headway-sidecar/headway/slo"
)

const day = 24 * time.Hour

// Set has an SLO with every kind of alerting that a format may not know, and one with
// nothing that it could lose.
func Set() slo.Set {
	return slo.Set{SLOs: []slo.SLO{
		{
			Name: "Chat.Interactive", Objective: 99.9, Window: 28 * day,
			Alerting: slo.Alerting{
				Page: true, MinRequests: 10, By: []string{"cluster"}, Runbook: "https://example.com/r", Dashboard: "https://example.com/d",
				Labels: map[string]string{"team": "chat"}, Annotations: map[string]string{"channel": "#chat"},
			},
		},
		{Name: "embeddings", Objective: 95, Window: 30 * day},
	}}
}

// Twins has two SLOs whose names are equal in Kubernetes and OpenSLO, so that a format
// with such names must refuse them.
func Twins() slo.Set {
	return slo.Set{SLOs: []slo.SLO{{Name: "a.b", Objective: 99, Window: 30 * day}, {Name: "A-b", Objective: 99, Window: 30 * day}}}
}

// CheckWritten fails the test unless write turns Set into the golden file at path and
// warns of the parts that begin with the texts of lost, in their order.
func CheckWritten(t *testing.T, path string, write func(io.Writer, slo.Set) ([]slo.Warning, error), lost ...string) {
	t.Helper()
	var text bytes.Buffer
	warnings, err := write(&text, Set())
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, path, text.String())
	if len(warnings) != len(lost) {
		t.Fatalf("%d parts are lost, want %d: %v", len(warnings), len(lost), slo.Problems(warnings))
	}
	for i := range warnings {
		if !strings.HasPrefix(warnings[i].Error(), lost[i]) {
			t.Errorf("got  %v\nwant %s", warnings[i], lost[i])
		}
	}
}
