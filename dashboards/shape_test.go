package dashboards_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/dashboards"
)

var (
	variable = regexp.MustCompile(`\$\{?([a-z]\w*)`)
	sentence = regexp.MustCompile(`[.!?](\s|$)`)
)

func TestEveryPanelSaysWhatItMeansInFewSentences(t *testing.T) {
	for _, d := range build(t, dashboards.Options{}) {
		for _, p := range read(t, d).Panels {
			if p.Type == "row" || p.Type == "text" {
				continue
			}
			if n := len(sentence.FindAllString(p.Description, -1)); n < 1 || n > 3 || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: %s says %q", d.UID, p.Title, p.Description)
			}
			if len(p.Targets) == 0 {
				t.Errorf("%s: %s asks nothing", d.UID, p.Title)
			}
		}
	}
}

func TestNoPanelLiesUponAnotherOrBesideThePage(t *testing.T) {
	for _, d := range build(t, dashboards.Options{}) {
		taken := map[[2]int]string{}
		for _, p := range read(t, d).Panels {
			at := p.GridPos
			if at.X < 0 || at.X+at.W > 24 || at.W == 0 || at.H == 0 {
				t.Errorf("%s: %s is at %+v", d.UID, p.Title, at)
			}
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %s lies upon %s", d.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestEveryDashboardDeclaresTheVariablesThatItUses(t *testing.T) {
	for _, kind := range dashboards.Kinds() {
		for _, d := range build(t, dashboards.Options{Histograms: kind}) {
			g, declared, used := read(t, d), map[string]bool{}, map[string]bool{}
			for _, v := range g.Templating.List {
				declared[v.Name] = true
			}
			text := fmt.Sprint(g.Panels, g.Annotations, g.Templating)
			for _, v := range variable.FindAllStringSubmatch(text, -1) {
				used[v[1]] = true
				if !declared[v[1]] {
					t.Errorf("%s uses the variable %s and does not declare it", d.UID, v[1])
				}
			}
			for v := range declared {
				if !used[v] && v != "datasource" && v != "filter" { // which Grafana itself adds to queries
					t.Errorf("%s declares the variable %s and uses it nowhere", d.UID, v)
				}
			}
		}
	}
}

func TestLinksLeadToDashboardsThatExist(t *testing.T) {
	all := build(t, dashboards.Options{})
	known := map[string]bool{}
	for _, d := range all {
		known[d.UID] = true
	}
	found := 0
	for _, d := range all {
		for _, link := range regexp.MustCompile(`"url": "/d/([\w-]+)\?`).FindAllStringSubmatch(string(d.JSON), -1) {
			found++
			if !known[link[1]] {
				t.Errorf("%s links to %s, which is no dashboard", d.UID, link[1])
			}
		}
	}
	if found == 0 {
		t.Error("no panel links to another dashboard")
	}
}

// Grafana adds the matchers of an ad hoc filter to every selector of the variable's data source.
func TestEveryDashboardHasAFilterForLabelsOfItsUser(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		for _, d := range build(t, dashboards.Options{Recorded: recorded}) {
			var filters int
			for _, v := range read(t, d).Templating.List {
				if v.Type == "adhoc" {
					filters++
				}
			}
			if has := filters == 1; has == recorded {
				t.Errorf("%s, recorded %v: %d filters", d.UID, recorded, filters)
			}
			if !recorded && !regexp.MustCompile(`(?s)"type": "adhoc".{0,300}"uid": "\$\{datasource\}"`).Match(d.JSON) {
				t.Errorf("%s: the filter asks another data source than the panels", d.UID)
			}
		}
	}
}
