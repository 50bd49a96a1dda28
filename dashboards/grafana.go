package dashboards

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	markdown "github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/xychart"
)

// build makes Grafana's form of p.
func (p panel) build(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	switch p.look {
	case figure:
		return p.figure(id, at)
	case heat:
		return p.heat(id, at)
	case list:
		return p.list(id, at)
	case scatter:
		return p.scatter(id, at)
	case note:
		return markdown.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Mode(markdown.TextModeMarkdown).Content(p.about)
	}
	return p.lines(id, at)
}

// targets are the queries of p, and the limits of SLOs.
func (p panel) targets() []cog.Builder[variants.Dataquery] {
	queries := p.queries
	if p.limit != "" {
		queries = append(queries[:len(queries):len(queries)], query{
			expr:   highest(promised("headway_slo_threshold_seconds", `indicator="`+p.limit+`"`).gauge(), "slo"),
			legend: "{{slo}}" + limitEnding,
		})
	}
	var all []cog.Builder[variants.Dataquery]
	for i, q := range queries {
		t := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(datasource()).
			EditorMode(prometheus.QueryEditorModeCode).Expr(q.expr).LegendFormat(q.legend)
		switch {
		case p.look == list:
			t.Instant().Format(prometheus.PromQueryFormatTable)
		case q.heat:
			t.Range().Format(prometheus.PromQueryFormatHeatmap)
		case q.now:
			t.Instant().Format(prometheus.PromQueryFormatTimeSeries)
		default:
			t.Range().Format(prometheus.PromQueryFormatTimeSeries)
		}
		if q.exemplars {
			t.Exemplar(true)
		}
		all = append(all, t)
	}
	return all
}

// limitEnding ends the name of a line that is an SLO's limit.
const limitEnding = " allows"

// testedEnding ends the name of a line that is a load test's.
const testedEnding = " tested"

func (p panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{{Color: "green"}}
	for _, s := range p.steps {
		if s.from < -1e8 {
			steps[0].Color = s.color
			continue
		}
		steps = append(steps, dashboard.Threshold{Color: s.color, Value: cog.ToPtr(s.from)})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

// links lead to the dashboard that says more, with the same time and variables.
func (p panel) links() []cog.Builder[dashboard.DashboardLink] {
	if p.more == "" {
		return nil
	}
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("More about this").Type(dashboard.DashboardLinkTypeLink).
			Url("/d/" + p.more + "?${__url_time_range}&${__all_variables}"),
	}
}

func (p panel) lines(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	b := timeseries.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Description(p.about).Datasource(datasource()).
		Unit(p.unit).Targets(p.targets()).Links(p.links()).
		LineWidth(1).FillOpacity(5).ShowPoints(common.VisibilityModeNever).SpanNulls(common.BoolOrFloat64{Bool: cog.ToPtr(false)}).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	if p.look == stacked {
		b.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
	}
	if !p.debt {
		b.Min(0)
	}
	if p.share {
		b.Max(1)
	}
	if p.log {
		b.ScaleDistribution(common.NewScaleDistributionConfigBuilder().Type(common.ScaleDistributionLog).Log(10)).Min(0.0001)
	}
	if p.blank != "" {
		b.NoValue(p.blank)
	}
	if len(p.steps) > 0 {
		b.Thresholds(p.thresholds()).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	dashed := []dashboard.DynamicConfigValue{
		{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{10, 6}}},
		{Id: "custom.fillOpacity", Value: 0},
	}
	if p.limit != "" {
		b.OverrideByRegexp(".*"+limitEnding, append([]dashboard.DynamicConfigValue{
			{Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": "red"}},
		}, dashed...))
	}
	for _, q := range p.queries {
		if strings.HasSuffix(q.legend, testedEnding) {
			b.OverrideByRegexp(".*"+testedEnding, dashed)
			break
		}
	}
	return b
}

func (p panel) figure(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	b := stat.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Description(p.about).Datasource(datasource()).
		Unit(p.unit).Targets(p.targets()).Links(p.links()).Thresholds(p.thresholds()).
		GraphMode(common.BigValueGraphModeArea).ColorMode(common.BigValueColorModeValue).TextMode(common.BigValueTextModeAuto).
		Orientation(common.VizOrientationAuto).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	if p.blank != "" {
		b.NoValue(p.blank)
	}
	return b
}

func (p panel) heat(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	return heatmap.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Description(p.about).Datasource(datasource()).
		Targets(p.targets()).Links(p.links()).Calculate(false).
		Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Oranges").Steps(64).Exponent(0.5).
			Fill("dark-orange").Scale(heatmap.HeatmapColorScaleExponential)).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(p.unit).AxisPlacement(common.AxisPlacementLeft)).
		Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle).YHistogram(true))
}

func (p panel) list(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	names, order := map[string]string{}, []cog.Builder[common.TableSortByFieldState]{
		common.NewTableSortByFieldStateBuilder().DisplayName(p.queries[0].legend).Desc(true),
	}
	b := table.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Description(p.about).Datasource(datasource()).
		Targets(p.targets()).Links(p.links()).SortBy(order).Filterable(true)
	if p.blank != "" {
		b.NoValue(p.blank)
	}
	for i, q := range p.queries {
		names["Value #"+string(rune('A'+i))] = q.legend
		b.OverrideByName(q.legend, []dashboard.DynamicConfigValue{{Id: "unit", Value: q.unit}})
	}
	if len(p.queries) == 1 {
		names["Value"] = p.queries[0].legend
	}
	return b.
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true}, "indexByName": map[string]int{}, "renameByName": names,
		}})
}

func (p panel) scatter(id uint32, at dashboard.GridPos) cog.Builder[dashboard.Panel] {
	return xychart.NewPanelBuilder().Id(id).GridPos(at).Title(p.title).Description(p.about).Datasource(datasource()).
		Targets(p.targets()).Links(p.links()).Mapping(xychart.SeriesMappingAuto).Unit(p.unit).
		Show(xychart.XYShowModePoints).
		Legend(common.NewVizLegendOptionsBuilder().ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)).
		WithTransformation(dashboard.DataTransformerConfig{Id: "joinByField", Options: map[string]any{"byField": "Time", "mode": "outer"}})
}
