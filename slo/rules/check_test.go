package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
)

func TestCheckFindsAlertsThatCannotWork(t *testing.T) {
	tests := []struct {
		name   string
		change func(*slo.SLO)
		want   []string // a part of each problem; none when all is well
	}{
		{"all is well", func(*slo.SLO) {}, nil},
		{"just above what a page can fire at", func(s *slo.SLO) { s.Objective = 93.06 }, nil},
		{
			"just below", func(s *slo.SLO) { s.Objective = 93.05 },
			[]string{
				"chat.alerting.page: it fires when the budget burns more than 14.4 times too fast over 1h, and at an objective of 93.05 % that is never: " +
					"with every request bad it burns 1 / (1 - 0.9305) = 14.39 times too fast, since 14.4 × 6.95 % = 100.1 % of requests cannot be bad; " +
					"write an objective above 93.06, windows with factors below 14.39, or page: false",
			},
		},
		{"just above over four weeks", func(s *slo.SLO) { s.Window, s.Objective = 28*day, 92.57 }, nil},
		{"just below over four weeks", func(s *slo.SLO) { s.Window, s.Objective = 28*day, 92.55 }, []string{"more than 13.44 times too fast over 1h"}},
		{"nobody is paged", func(s *slo.SLO) { s.Objective, s.Alerting.Page = 90, false }, nil},
		{
			"a ticket that cannot fire", func(s *slo.SLO) { s.Objective, s.Alerting.Page = 60, false },
			[]string{"chat.alerting.ticket: it fires when the budget burns more than 3 times too fast over 1d"},
		},
		{
			"both", func(s *slo.SLO) { s.Objective = 50 },
			[]string{"alerting.page", "alerting.ticket"},
		},
		{"nobody is told", func(s *slo.SLO) { s.Objective, s.Window, s.Alerting = 50, time.Hour, slo.Alerting{} }, nil},
		{"a window just long enough for a page", func(s *slo.SLO) { s.Window = 5 * day }, nil},
		{
			"a window too short for a page", func(s *slo.SLO) { s.Window = 5*day - time.Hour },
			[]string{"chat.window: it is too short for a page: 1h of 30d is 9m55s of 4d23h, and less than two windows of 5m, over which counters are read; write a window of 5d or more, or page: false"},
		},
		{
			"a window too short for a ticket", func(s *slo.SLO) { s.Window, s.Alerting.Page = 4*time.Hour, false },
			[]string{"chat.window: it is too short for a ticket: 1d of 30d is 8m of 4h, and less than two windows of 5m, over which counters are read; write a window of 5h or more, or ticket: false"},
		},
		{
			"labels of the rules", func(s *slo.SLO) {
				s.Alerting.By, s.Alerting.Labels = []string{"namespace", "verdict"}, map[string]string{"severity": "x"}
			},
			[]string{"alerting.by: verdict is a label of the rules themselves", "alerting.labels: severity is set by the rules themselves"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := rules.Check(with(tt.change), rules.Options{})
			if len(got) != len(tt.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(got), len(tt.want), got)
			}
			for i := range tt.want {
				if !strings.Contains(got[i].Error(), tt.want[i]) {
					t.Errorf("got  %v\nwant %s", got[i], tt.want[i])
				}
			}
		})
	}
}

// Scaling for a test must not change which SLOs Check refuses.
func TestCheckLooksAtUnscaledWindows(t *testing.T) {
	if got := rules.Check(with(func(*slo.SLO) {}), rules.Options{Scale: 1. / 60}); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestCheckKnowsTheLine(t *testing.T) {
	set, _, err := slo.Parse("slo.yaml", strings.NewReader("slos:\n- name: a\n  objective: 90\n  window: 30d\n  alerting:\n    ticket: true\n    page: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := rules.Check(set, rules.Options{}); len(got) != 1 || !strings.HasPrefix(got[0].Error(), "slo.yaml:7: slos[0].alerting.page: ") {
		t.Errorf("got %v", got)
	}
}

func TestPairsGrowAndShrinkWithTheWindow(t *testing.T) {
	tests := []struct {
		window time.Duration
		want   string
	}{
		{30 * day, "1h0m0s/5m0s/14.4 6h0m0s/30m0s/6 24h0m0s/2h0m0s/3 72h0m0s/6h0m0s/1"},
		{28 * day, "1h0m0s/5m0s/13.44 6h0m0s/30m0s/5.6 24h0m0s/2h0m0s/2.8 72h0m0s/6h0m0s/0.933333333333"},
		// The short window is never shorter than the window of rates.
		{7 * day, "15m0s/5m0s/13.44 1h30m0s/7m30s/5.6 6h0m0s/30m0s/2.8 18h0m0s/1h30m0s/0.933333333333"},
		{90 * day, "3h0m0s/15m0s/14.4 18h0m0s/1h30m0s/6 72h0m0s/6h0m0s/3 216h0m0s/18h0m0s/1"},
	}
	for _, tt := range tests {
		s := chat()
		s.Window = tt.window
		var got []string
		for _, p := range rules.Pairs(&s, rules.Options{}) {
			got = append(got, p.Long.String()+"/"+p.Short.String()+"/"+factor(p.Factor))
		}
		if g := strings.Join(got, " "); g != tt.want {
			t.Errorf("over %s: got %s, want %s", tt.window, g, tt.want)
		}
	}
}

func TestWindowsFile(t *testing.T) {
	const good = `window: 30d
pairs:
- {severity: page, long: 6h, short: 30m, factor: 6}
- {severity: page, long: 1h, short: 5m, factor: 9}
- {severity: ticket, long: 3d, short: 6h, factor: 1}
`
	w, err := rules.ReadWindows("w.yaml", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.Pair{
		{Alert: rules.PageFast, Severity: rules.Page, Long: time.Hour, Short: 5 * time.Minute, Factor: 9},
		{Alert: rules.PageSlow, Severity: rules.Page, Long: 6 * time.Hour, Short: 30 * time.Minute, Factor: 6},
		{Alert: rules.TicketFast, Severity: rules.Ticket, Long: 3 * day, Short: 6 * time.Hour, Factor: 1},
	}
	if len(w.Pairs) != 3 || w.Pairs[0] != want[0] || w.Pairs[1] != want[1] || w.Pairs[2] != want[2] {
		t.Errorf("got %+v", w.Pairs)
	}
	set := with(func(s *slo.SLO) { s.Objective = 90 })
	if got := rules.Check(set, rules.Options{Windows: &w}); len(got) > 0 {
		t.Errorf("a factor of 9 can fire at 90 %%: %v", got)
	}
	for _, bad := range []struct{ old, new, want string }{
		{"window: 30d", "windows: 30d", "w.yaml:1: windows: there is no such key; did you mean window?"},
		{"long: 1h", "log: 1h", "log: there is no such key; did you mean long?"},
		{"factor: 6", "factor: many", `"many" is no number; write a number: `},
		{"window: 30d", "window: [", `: did not find expected`},
		{"window: 30d", "window: 30", `"30" is no duration: write 30d, 1h or 5m`},
		{"window: 30d", "", "window: write the SLO's window"},
		{"severity: ticket", "severity: critical", `pairs[2].severity: "critical" is neither page nor ticket`},
		{"severity: ticket", "severity: page", "pairs[2]: it is the third page"},
		{"short: 30m", "short: 7h", "pairs[0]: want short < long < window"},
		{"factor: 6", "factor: 0", "pairs[0].factor: write how many times too fast"},
		{good, "", "the file is empty"},
	} {
		_, err := rules.ReadWindows("w.yaml", strings.NewReader(strings.Replace(good, bad.old, bad.new, 1)))
		if err == nil || !strings.Contains(err.Error(), bad.want) || !strings.Contains(err.Error(), "w.yaml") {
			t.Errorf("%s instead of %s: got %v", bad.new, bad.old, err)
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, bad := range []rules.Options{{Scale: -1}, {Scale: 2}, {Scale: 1. / 720}, {Resolution: -time.Second}, {Resolution: time.Second}} {
		if bad.Check() == nil {
			t.Errorf("%+v is allowed", bad)
		}
	}
	for _, good := range []rules.Options{{}, {Scale: 1. / 60}, {Resolution: time.Minute}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

// Every alert has a page, and every page is of an alert.
func TestEveryAlertHasARunbook(t *testing.T) {
	groups := rules.Render(with(func(*slo.SLO) {}), rules.Options{Probes: true, Drift: true, Streams: true})
	rendered := map[string]bool{}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			rendered[r.Alert] = true
			if want := rules.Runbooks + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
				t.Errorf("%s leads to %s, want %s", r.Alert, r.Annotations["runbook_url"], want)
			}
			if ofSLO := strings.HasPrefix(r.Alert, "HeadwaySLO"); r.Labels["severity"] == "" || (r.Labels["slo"] == "chat") != ofSLO || r.Annotations["summary"] == "" {
				t.Errorf("%s has labels %v and annotations %v", r.Alert, r.Labels, r.Annotations)
			}
		}
	}
	for _, alert := range rules.Alerts() {
		if !rendered[alert] {
			t.Errorf("%s is not rendered", alert)
		}
		runbook(t, alert)
	}
	if len(rendered) != len(rules.Alerts()) {
		t.Errorf("rendered are %v", rendered)
	}
}
