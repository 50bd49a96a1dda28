package dashboards_test

import (
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/headway-sidecar/headway/dashboards"
)

// The Go types of Grafana's SDK are made from the schemas of Grafana itself, those of
// panels and of Prometheus' queries included.
func TestGrafanasOwnSchemaTakesEveryDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, kind := range dashboards.Kinds() {
		for _, d := range build(t, dashboards.Options{Histograms: kind}) {
			var strict dashboard.Dashboard //nolint:staticcheck // Grafana 11 does not read the second schema
			report(t, d.UID, strict.UnmarshalJSONStrict(d.JSON))
			report(t, d.UID, strict.Validate())
		}
	}
}

// report fails the test for an error of Grafana's types. Theirs may be an empty list.
func report(t *testing.T, uid string, err error) {
	t.Helper()
	if err != nil && err.Error() != "" {
		t.Errorf("%s: %v", uid, err)
	}
}

func TestGrafanasOwnSchemaRefusesPlantedFaults(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	whole := string(build(t, dashboards.Options{})[0].JSON)
	for _, c := range []struct{ name, was, is string }{
		{"an option that a panel does not have", `"graphMode":`, `"graphMod":`},
		{"a field that a query does not have", `"legendFormat":`, `"legend":`},
		{"a field that a dashboard does not have", `"refresh":`, `"refreshed":`},
		{"a value of another type", `"h": 4`, `"h": "four"`},
	} {
		var strict dashboard.Dashboard //nolint:staticcheck // Grafana 11 does not read the second schema
		if err := strict.UnmarshalJSONStrict([]byte(strings.Replace(whole, c.was, c.is, 1))); err == nil || err.Error() == "" {
			t.Errorf("%s passes", c.name)
		}
	}
}
