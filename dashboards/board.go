package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

// filterName is the name of the variable with the user's own filters.
const filterName = "filter"

// tag is on every dashboard; their links find each other by it.
const tag = "headway"

// variable is a variable of a dashboard, at the top of its page.
type variable struct {
	name, label string
	query       string // label_values of Grafana; empty is a fixed choice
	chosen      bool   // has no All, and begins with its first value
}

func byNamespace() variable {
	return variable{name: "namespace", label: "Namespace", query: `label_values(headway_build_info, namespace)`}
}

func byPod() variable {
	return variable{name: "pod", label: "Pod", query: `label_values(headway_build_info{namespace=~"$namespace"}, pod)`}
}

func byModel() variable {
	return variable{name: "model", label: "Model", query: `label_values(headway_requests_total{` + ofTarget + `}, model)`}
}

func bySLO() variable {
	return variable{name: "slo", label: "SLO", query: `label_values(headway_slo_objective_ratio{` + ofTarget + `}, slo)`}
}

// byRole chooses between sidecars beside applications and those beside model servers. Its
// values are parts of the names of gen_ai_*.
func byRole() variable { return variable{name: "role", label: "Role"} }

// datasource is the Prometheus that the user has chosen.
func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

func text(s string) dashboard.StringOrMap { return dashboard.StringOrMap{String: &s} }

func option(shown, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: cog.ToPtr(true),
		Text:     dashboard.StringOrArrayOfString{String: &shown}, Value: dashboard.StringOrArrayOfString{String: &value},
	}
}

// build makes Grafana's form of b.
func (b board) build() (dashboard.Dashboard, error) { //nolint:staticcheck // Grafana 11 does not read the second schema
	d := dashboard.NewDashboardBuilder("headway / "+b.title). //nolint:staticcheck // Grafana 11 does not read the second schema
									Uid(b.uid).Description(b.about).Tags([]string{tag}).
									Time("now-1h", "now").Refresh("30s").Timezone("browser").
									Tooltip(dashboard.DashboardCursorSyncCrosshair).Readonly().
									Link(dashboard.NewDashboardLinkBuilder("headway").
										Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).
										AsDropdown(true).IncludeVars(true).KeepTime(true)).
									WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"))
	for _, v := range b.variables {
		d.WithVariable(v.build())
	}
	if !b.recorded {
		d.WithVariable(filter())
	}
	for _, a := range annotations() {
		d.Annotation(a)
	}
	b.place(d)
	built, err := d.Build()
	prune(&built)
	return built, err
}

// prune removes defaults of the builders that newer versions of Grafana do not know: the
// settings of interval variables on all variables (there is no interval variable), and the
// footer of tables, which nobody shows.
func prune(d *dashboard.Dashboard) { //nolint:staticcheck // Grafana 11 does not read the second schema
	for i := range d.Templating.List {
		v := &d.Templating.List[i]
		v.Auto, v.AutoMin, v.AutoCount = nil, nil, nil
	}
	for _, p := range d.Panels {
		if p.Panel == nil {
			continue
		}
		if o, isTable := p.Panel.Options.(*table.Options); isTable {
			o.Footer = nil
		}
	}
}

func (v variable) build() cog.Builder[dashboard.VariableModel] {
	if v.query == "" {
		return dashboard.NewCustomVariableBuilder(v.name).Label(v.label).
			Values(text(`All : client|server, Beside applications : client, Beside model servers : server`)).
			Current(option("All", "client|server"))
	}
	b := dashboard.NewQueryVariableBuilder(v.name).Label(v.label).Datasource(datasource()).
		Query(text(v.query)).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true)
	if v.chosen {
		return b
	}
	return b.IncludeAll(true).AllValue(".*").Current(option("All", "$__all"))
}

// filter lets users narrow all queries of a page to labels of their own, which the dashboards
// cannot know. Grafana adds its matchers to every selector of the data source. Series that rules
// record lack those labels.
func filter() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewAdHocVariableBuilder(filterName).Label("Filter").Datasource(datasource()).
		Description("Labels of HEADWAY_LABELS, such as tenant. Metrics without the label have no data then.")
}

// annotations mark on every picture when something changed.
func annotations() []cog.Builder[dashboard.AnnotationQuery] {
	var all []cog.Builder[dashboard.AnnotationQuery]
	for _, a := range events() {
		all = append(all, dashboard.NewAnnotationQueryBuilder().
			Name(a.name).Datasource(datasource()).Enable(true).IconColor(a.color).
			Target(prometheus.NewDataqueryBuilder().RefId("A").Expr(a.expr).Range()).
			Expr(a.expr).TitleFormat(a.title).TextFormat(a.text).Step("60s"))
	}
	return all
}

// event is something that happened, as an annotation.
type event struct{ name, color, expr, title, text string }

// events lists the annotations. A pod's sidecar starts with its pod, so that a start of
// headway is a deploy of the pod.
func events() []event {
	return []event{
		{
			name: "Deploys", color: "blue",
			expr: `count by (namespace, version) (
  (time() - process_start_time_seconds{` + ofTarget + `} < 120)
  * on (job, instance, namespace, pod) group_left (version) headway_build_info{` + ofTarget + `}
)`,
			title: "Pods started", text: "headway {{version}} in {{namespace}}",
		},
		{
			name: "Drift alarms", color: "red",
			expr:  `max by (source, probe, model, indicator) (headway_drift_alarm{` + ofTarget + `}) == 1`,
			title: "Slower than the load test", text: "{{indicator}} of {{model}}, by {{source}} {{probe}}",
		},
	}
}

// place lays the rows out, each panel beside the last.
func (b board) place(d *dashboard.DashboardBuilder) { //nolint:staticcheck // Grafana 11 does not read the second schema
	var y, id uint32
	for _, r := range b.rows {
		if r.title != "" {
			id++
			d.WithRow(dashboard.NewRowBuilder(r.title).Id(id).GridPos(dashboard.GridPos{X: 0, Y: y, W: 24, H: 1}))
			y++
		}
		height := uint32(r.height)
		if height == 0 {
			height = 8
		}
		var x uint32
		for i, p := range r.panels {
			id++
			w := uint32(p.width)
			if w == 0 {
				w = (24 - x) / uint32(len(r.panels)-i)
			}
			d.WithPanel(p.build(id, dashboard.GridPos{X: x, Y: y, W: w, H: height}))
			x += w
		}
		y += height
	}
}
