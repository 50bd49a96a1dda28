package exporter_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func identity(model, answering string) exporter.Identity {
	return exporter.Identity{
		Operation: exchange.Chat, Provider: "openai", Request: model, Response: answering,
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
	}
}

func limitedTo(series int) *exporter.Names {
	n := exporter.NewNames(1000, 1000)
	n.LimitSeries(series)
	return n
}

func TestSeriesBeyondTheBoundAreFolded(t *testing.T) {
	n, requests, duration := limitedTo(6), instrument(t, "headway.requests"), instrument(t, "gen_ai.client.operation.duration")
	a := n.SetOf(identity("a", "a"))
	for _, tt := range []struct {
		name string
		set  *exporter.Set
		in   *exporter.Instrument
		of   string
		want bool
	}{
		{"first", a, requests, "ok", true},
		{"again, as another backend asks", a, requests, "ok", true},
		{"another value", a, requests, "refused", true},
		{"the same series of another answering model", n.SetOf(identity("a", "b")), requests, "ok", true},
		{"last place", a, duration, "", true},
		{"no place", a, duration, "429", false},
		{"one that is there", a, duration, "", true},
		{"no place beyond the bound of so few", n.SetOf(a.Identity.Beyond()), duration, "429", false},
	} {
		if got := tt.set.Room(tt.in, exporter.Extra{tt.of}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if b := n.SetOf(identity("b", "b")); b.Identity != a.Identity.Beyond() {
		t.Errorf("without a place the set is that of %+v", b.Identity)
	}
	if got, want := n.SeriesUse(), (exporter.SeriesUse{Present: 3, Limit: 6, Folded: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestSeriesUnusedForAnHourGiveTheirPlacesToNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, requests := limitedTo(4), instrument(t, "headway.requests")
		var ended []string
		n.OnRelease(func(id exporter.Identity, gone []exporter.Series) {
			ended = append(ended, fmt.Sprintf("%s %d", id.Request, len(gone)))
		})
		a, b := n.SetOf(identity("a", "")), n.SetOf(identity("b", ""))
		a.Room(requests, exporter.Extra{"ok"})
		b.Room(requests, exporter.Extra{"ok"})
		time.Sleep(59 * time.Minute)
		if !b.Use(time.Now()) {
			t.Error("b has lost its places")
		}
		time.Sleep(time.Minute)
		if !a.Use(time.Now().Add(-time.Hour)) {
			t.Error("a has lost its places though nobody needed them")
		}
		if c := n.SetOf(identity("c", "")); !c.Room(requests, exporter.Extra{"ok"}) {
			t.Error("there is no room for c")
		}
		if want := []string{"a 1"}; !slices.Equal(ended, want) {
			t.Errorf("%q have ended, want %q", ended, want)
		}
		if a.Use(time.Now()) || a.Room(requests, exporter.Extra{"ok"}) {
			t.Error("a is used as if it had its places")
		}
		if got, want := n.SeriesUse(), (exporter.SeriesUse{Present: 2, Limit: 4, Released: 1, Folded: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestTheSeriesOfANameEndWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, requests := exporter.NewNames(2, 2), instrument(t, "headway.requests")
		var ended []exporter.Series
		n.OnRelease(func(_ exporter.Identity, gone []exporter.Series) { ended = append(ended, gone...) })
		n.ClaimModel("a")
		n.ClaimModel("x")
		n.SetOf(identity("a", "x")).Room(requests, exporter.Extra{"ok"})
		time.Sleep(time.Hour)
		n.Model("a")
		n.ClaimModel("b") // in the place of x
		if len(ended) != 1 || ended[0].Identity.Request != "a" {
			t.Errorf("%+v have ended, want that of a, which x had answered", ended)
		}
	})
}

// TestTheBoundOnSeriesIsAMaximum: series of Other take places, too, whatever statuses and
// operations there are, and every sample has a series.
func TestTheBoundOnSeriesIsAMaximum(t *testing.T) {
	for _, setting := range []exporter.SemConv{exporter.V141, exporter.V01, exporter.Dup} {
		for _, limit := range []int{150, 1000} {
			n, table := limitedTo(limit), exporter.Table(setting)
			for i := range 40 {
				id := identity(fmt.Sprint("m", i), "")
				id.Operation, id.Provider = exchange.Operation(fmt.Sprint("op", i%13)), fmt.Sprint("p", i%7)
				for j := range table {
					in := &table[j]
					if in.Draw == nil && in.DrawChain == nil && in.DrawTurn == nil {
						continue
					}
					for cause := range 30 {
						place(t, n, id, in, extraOf(in, cause))
					}
				}
			}
			if use := n.SeriesUse(); use.Present > limit || use.Present < limit/2 {
				t.Errorf("%s: %d series with a limit of %d", setting, use.Present, limit)
			}
		}
	}
}

// place finds the series of one sample, as backends do.
func place(t *testing.T, n *exporter.Names, id exporter.Identity, in *exporter.Instrument, extra exporter.Extra) {
	t.Helper()
	for range 3 {
		s := n.SetOf(id)
		if s.Room(in, extra) {
			return
		}
		id, extra = s.Fold(in, extra)
	}
	t.Fatalf("%s has no series for %+v %v", in.Name, id, extra)
}

// extraOf is an Extra of in that is the n-th of many.
func extraOf(in *exporter.Instrument, n int) (extra exporter.Extra) {
	for i := range in.Labels {
		extra[i] = strconv.Itoa(n)
	}
	return extra
}
