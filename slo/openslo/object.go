// Package openslo reads and writes OpenSLO v1 documents, so that SLOs can be kept in
// the vendors' common language.
//
// Source of the format: the specification at github.com/OpenSLO/OpenSLO.
package openslo

import "go.yaml.in/yaml/v4"

// APIVersion is the version that this package reads and writes.
const APIVersion = "openslo/v1"

// Kind is the kind of an object.
type Kind string

// The kinds.
const (
	KindSLO          Kind = "SLO"
	KindSLI          Kind = "SLI"
	KindService      Kind = "Service"
	KindDataSource   Kind = "DataSource"
	KindPolicy       Kind = "AlertPolicy"
	KindCondition    Kind = "AlertCondition"
	KindNotification Kind = "AlertNotificationTarget"
)

// Object is one document.
type Object struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       Kind     `yaml:"kind"`
	Metadata   Metadata `yaml:"metadata"`
	// Spec is a pointer to the Spec type of Kind.
	Spec any `yaml:"spec"`

	node *yaml.Node // from which Decode read it
}

// Metadata names an object.
type Metadata struct {
	Name        string            `yaml:"name"`
	DisplayName string            `yaml:"displayName,omitempty"`
	Labels      map[string]any    `yaml:"labels,omitempty"` // a string or a list of strings each
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// SLOSpec is the spec of an SLO.
type SLOSpec struct {
	Description     string       `yaml:"description,omitempty"`
	Service         string       `yaml:"service"`
	Indicator       *Indicator   `yaml:"indicator,omitempty"`
	IndicatorRef    string       `yaml:"indicatorRef,omitempty"`
	TimeWindow      []TimeWindow `yaml:"timeWindow,omitempty"`
	BudgetingMethod string       `yaml:"budgetingMethod"`
	Objectives      []Objective  `yaml:"objectives"`
	AlertPolicies   []Policy     `yaml:"alertPolicies,omitempty"`
}

// Indicator is an SLI inside an SLO.
type Indicator struct {
	Metadata Metadata `yaml:"metadata"`
	Spec     SLISpec  `yaml:"spec"`
}

// SLISpec is the spec of an SLI.
type SLISpec struct {
	Description     string  `yaml:"description,omitempty"`
	ThresholdMetric *Metric `yaml:"thresholdMetric,omitempty"`
	RatioMetric     *Ratio  `yaml:"ratioMetric,omitempty"`
}

// Ratio compares two metrics of events, or is one metric that is a ratio already.
type Ratio struct {
	Counter *bool   `yaml:"counter,omitempty"`
	Good    *Metric `yaml:"good,omitempty"`
	Bad     *Metric `yaml:"bad,omitempty"`
	Total   *Metric `yaml:"total,omitempty"`
	RawType string  `yaml:"rawType,omitempty"`
	Raw     *Metric `yaml:"raw,omitempty"`
}

// Metric is a query.
type Metric struct {
	Source MetricSource `yaml:"metricSource"`
}

// MetricSource says which system to ask, and for what.
type MetricSource struct {
	Ref  string         `yaml:"metricSourceRef,omitempty"`
	Type string         `yaml:"type,omitempty"`
	Spec map[string]any `yaml:"spec"`
}

// TimeWindow is the window of the objectives.
type TimeWindow struct {
	Duration  string    `yaml:"duration"`
	IsRolling *bool     `yaml:"isRolling,omitempty"`
	Calendar  *Calendar `yaml:"calendar,omitempty"`
}

// Calendar aligns a window.
type Calendar struct {
	StartTime string `yaml:"startTime"`
	TimeZone  string `yaml:"timeZone"`
}

// Objective is a target.
type Objective struct {
	DisplayName     string     `yaml:"displayName,omitempty"`
	Op              string     `yaml:"op,omitempty"`
	Value           *float64   `yaml:"value,omitempty"`
	Target          *float64   `yaml:"target,omitempty"`
	TargetPercent   *float64   `yaml:"targetPercent,omitempty"`
	TimeSliceTarget *float64   `yaml:"timeSliceTarget,omitempty"`
	TimeSliceWindow any        `yaml:"timeSliceWindow,omitempty"` // minutes, or a duration
	Indicator       *Indicator `yaml:"indicator,omitempty"`
	IndicatorRef    string     `yaml:"indicatorRef,omitempty"`
	CompositeWeight *float64   `yaml:"compositeWeight,omitempty"`
}

// Inline is an object inside another one. It is empty where the name of an object stands
// in its place.
type Inline[S any] struct {
	Kind     Kind      `yaml:"kind,omitempty"`
	Metadata *Metadata `yaml:"metadata,omitempty"`
	Spec     *S        `yaml:"spec,omitempty"`
}

// Policy is an alert policy in an SLO, or the name of one.
type Policy struct {
	Ref                string `yaml:"alertPolicyRef,omitempty"`
	Inline[PolicySpec] `yaml:",inline"`
}

// PolicySpec is the spec of an AlertPolicy.
type PolicySpec struct {
	Description         string         `yaml:"description,omitempty"`
	AlertWhenNoData     *bool          `yaml:"alertWhenNoData,omitempty"`
	AlertWhenResolved   *bool          `yaml:"alertWhenResolved,omitempty"`
	AlertWhenBreaching  *bool          `yaml:"alertWhenBreaching,omitempty"`
	Conditions          []Condition    `yaml:"conditions,omitempty"`
	NotificationTargets []Notification `yaml:"notificationTargets,omitempty"`
}

// Condition is an alert condition in a policy, or the name of one.
type Condition struct {
	Ref                   string `yaml:"conditionRef,omitempty"`
	Inline[ConditionSpec] `yaml:",inline"`
}

// ConditionSpec is the spec of an AlertCondition.
type ConditionSpec struct {
	Description string   `yaml:"description,omitempty"`
	Severity    string   `yaml:"severity"`
	Condition   BurnRate `yaml:"condition"`
}

// BurnRate says when to alert.
type BurnRate struct {
	Kind           string   `yaml:"kind"`
	Op             string   `yaml:"op"`
	Threshold      *float64 `yaml:"threshold"`
	LookbackWindow string   `yaml:"lookbackWindow"`
	AlertAfter     string   `yaml:"alertAfter,omitempty"`
}

// Notification is a notification target in a policy, or the name of one.
type Notification struct {
	Ref                      string `yaml:"targetRef,omitempty"`
	Inline[NotificationSpec] `yaml:",inline"`
}

// NotificationSpec is the spec of an AlertNotificationTarget.
type NotificationSpec struct {
	Description string `yaml:"description,omitempty"`
	Target      string `yaml:"target"`
}

// ServiceSpec is the spec of a Service.
type ServiceSpec struct {
	Description string `yaml:"description,omitempty"`
}

// DataSourceSpec is the spec of a DataSource.
type DataSourceSpec struct {
	Description       string `yaml:"description,omitempty"`
	Type              string `yaml:"type"`
	ConnectionDetails any    `yaml:"connectionDetails,omitempty"`
}
