package exporter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// byTeam returns Names with the labels tenant and team, and room for so many combinations.
func byTeam(limit int) *exporter.Names {
	n := exporter.NewNames(64, 64)
	n.Label([]string{"tenant", "team"}, limit)
	return n
}

// labelsOf returns the labels of the requests metric for an exchange with these values, answered
// or not.
func labelsOf(n *exporter.Names, answered bool, values ...string) []string {
	var d exporter.Drawing
	r := streamed()
	r.Labels = values
	if !answered {
		r.Outcome, r.Status = exchange.HTTPError, 404
		r.Chunks = exchange.Chunks{}
	}
	table := n.Table(exporter.V141)
	at := slices.IndexFunc(table, func(in exporter.Instrument) bool { return in.Name == "headway.requests" })
	return d.Exchange(&r, n).Values(&table[at])[3:]
}

func TestTenantsBeyondTheBoundShareOneLabel(t *testing.T) {
	n := byTeam(2)
	long := strings.Repeat("x", 127) + "é"
	for _, tt := range []struct {
		name     string
		answered bool
		values   []string
		want     []string
	}{
		{"no tenant takes no place", true, []string{"", ""}, []string{"", ""}},
		{"a record without labels", true, nil, []string{"", ""}},
		{"one that nobody answered borrows a place", false, []string{"junk", "a"}, []string{"junk", "a"}},
		{"first", true, []string{"acme", "a"}, []string{"acme", "a"}},
		{"the same with another team, in the place of the borrower", true, []string{"acme", "b"}, []string{"acme", "b"}},
		{"the borrower", false, []string{"junk", "a"}, []string{"_other", "_other"}},
		{"one too many", true, []string{"evil", "a"}, []string{"_other", "_other"}},
		{"one that is there", true, []string{"acme", "a"}, []string{"acme", "a"}},
		{"one that calls itself so", true, []string{"_other", "_other"}, []string{"_other", "_other"}},
		{"no tenant, when all places are taken", true, []string{"", ""}, []string{"", ""}},
		{"a value that is too long", true, []string{long, ""}, []string{"_other", "_other"}},
	} {
		if got := labelsOf(n, tt.answered, tt.values...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := labelsOf(byTeam(1), true, long, "\xff"); len(got[0]) != 127 || !utf8.ValidString(got[1]) {
		t.Errorf("labels %q", got)
	}
}

func TestATenantUnusedForAnHourGivesItsPlaceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, requests, duration := byTeam(1), instrument(t, "headway.requests"), instrument(t, "gen_ai.client.operation.duration")
		var ended []string
		n.OnRelease(func(id exporter.Identity, gone []exporter.Series) {
			ended = append(ended, fmt.Sprint(id.Values(&n.Table("")[slices.IndexFunc(n.Table(""), func(in exporter.Instrument) bool { return in.Name == requests.Name })])[3:], len(gone)))
		})
		var d exporter.Drawing
		r := streamed()
		r.Labels = []string{"acme", "a"}
		set := n.SetOf(d.Exchange(&r, n))
		set.Room(requests, exporter.Extra{"ok"})
		set.Room(duration, exporter.Extra{""})
		time.Sleep(time.Hour)
		if got := labelsOf(n, true, "new", "b"); !slices.Equal(got, []string{"new", "b"}) {
			t.Errorf("labels %q", got)
		}
		if want := []string{"[acme a] 2"}; !slices.Equal(ended, want) {
			t.Errorf("%q have ended, want %q", ended, want)
		}
	})
}

// Two tenants share the series of an instrument that does not tell them apart.
func TestTenantsShareTheSeriesOfOtherInstruments(t *testing.T) {
	n, requests, stall := byTeam(10), instrument(t, "headway.requests"), instrument(t, "headway.stall")
	n.LimitSeries(100)
	for _, tenant := range []string{"a", "b", "c"} {
		var d exporter.Drawing
		r := streamed()
		r.Labels = []string{tenant, ""}
		set := n.SetOf(d.Exchange(&r, n))
		if !set.Room(requests, exporter.Extra{"true", "ok"}) || !set.Room(stall, exporter.Extra{"client"}) {
			t.Fatalf("no room for %s", tenant)
		}
	}
	if got := n.SeriesUse().Present; got != 4 {
		t.Errorf("%d series, want one of each tenant and one of all", got)
	}
}

func TestOnlyHeadwaysOwnInstrumentsTellTenantsApart(t *testing.T) {
	n := byTeam(10)
	for _, setting := range exporter.SemConvs() {
		for _, in := range n.Table(setting) {
			has := slices.Contains(in.AllLabels(), "tenant")
			if has != in.PerTenant || has && (in.Family == exporter.GenAIClient || in.Family == exporter.GenAIServer || in.Family == exporter.Process || in.Read != nil) {
				t.Errorf("%s has the labels %q", in.Name, in.AllLabels())
			}
		}
	}
	for _, in := range exporter.NewNames(1, 1).Table("") {
		if slices.Contains(in.AllLabels(), "tenant") {
			t.Errorf("%s has labels that nobody configured", in.Name)
		}
	}
}
