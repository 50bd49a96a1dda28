// Shape is what Grafana takes as a dashboard of headway's, by Grafana's own types: the whole model, and for each kind
// of panel the options and the settings of its fields. What queries hold is not in these types.
import type { Dashboard, DataQuery, Panel, RowPanel } from "@grafana/schema";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type * as xychart from "@grafana/schema/dist/esm/raw/composable/xychart/panelcfg/x/XYChartPanelCfg_types.gen";

// JSON is T as JSON writes it: an enum is one of its values.
type JSON<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer E)[] ? JSON<E>[]
  : { [K in keyof T]: JSON<T[K]> };

type Options = {
  heatmap: heatmap.Options; stat: stat.Options; table: table.Options; text: text.Options;
  timeseries: timeseries.Options; xychart: xychart.Options;
};

type Fields = {
  heatmap: heatmap.FieldConfig; stat: object; table: table.FieldConfig; text: object;
  timeseries: timeseries.FieldConfig; xychart: xychart.FieldConfig;
};

// Deep has every field of T, and needs none: a panel takes the defaults of its kind for the others.
type Deep<T> = unknown extends T ? T : T extends unknown[] ? Deep<T[number]>[] : T extends object ? { [K in keyof T]?: Deep<T[K]> } : T;

type Of<K extends keyof Options> = Omit<JSON<Panel>, "type" | "options" | "fieldConfig"> & {
  type: K;
  options?: Deep<JSON<Options[K]>>;
  fieldConfig?: Omit<NonNullable<JSON<Panel>["fieldConfig"]>, "defaults"> & {
    defaults: Omit<NonNullable<JSON<Panel>["fieldConfig"]>["defaults"], "custom"> & { custom?: Deep<JSON<Fields[K]>> };
  };
};

// Annotation is an annotation whose query is one of Prometheus: @grafana/schema leaves it to the data source.
type Annotation = Omit<NonNullable<NonNullable<JSON<Dashboard>["annotations"]>["list"]>[number], "target"> & {
  target: JSON<DataQuery> & { expr: string; instant: boolean; range: boolean };
  expr: string; step: string; titleFormat: string; textFormat: string;
};

export type Shape = Omit<JSON<Dashboard>, "panels" | "annotations"> & {
  annotations: { list: Annotation[] };
  panels: (JSON<RowPanel> | { [K in keyof Options]: Of<K> }[keyof Options])[];
};
