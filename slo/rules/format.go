package rules

import (
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
)

// Format is the format of the rules, named for its reader.
type Format string

// The formats.
const (
	Prometheus Format = "prometheus" // a rule file
	Operator   Format = "operator"   // a PrometheusRule object (monitoring.coreos.com/v1)
	Mimir      Format = "mimir"      // a rule namespace, as mimirtool and cortextool load it
)

// Formats lists every format.
func Formats() []Format { return []Format{Prometheus, Operator, Mimir} }

// Object names the rules in formats that have names: the metadata of the PrometheusRule,
// or the namespace of the ruler.
type Object struct {
	Name      string            // of the object, or of the ruler's namespace
	Namespace string            // of Kubernetes
	Labels    map[string]string // that the operator's ruleSelector selects
}

// Write writes groups. Equal groups give equal bytes.
func Write(w io.Writer, groups []Group, format Format, object Object) error {
	var document any
	switch format {
	case Prometheus:
		document = groupsOf{groups}
	case Operator:
		document = prometheusRule{
			APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule",
			Metadata: metadata(object), Spec: groupsOf{groups},
		}
	case Mimir:
		document = ruleNamespace{object.Name, groups}
	default:
		return fmt.Errorf("no format %q", format)
	}
	text, err := yaml.Dump(document, yaml.WithLineWidth(-1))
	if err != nil {
		return fmt.Errorf("rendering rules: %w", err)
	}
	_, err = w.Write(text)
	return err
}

type groupsOf struct {
	Groups []Group `yaml:"groups"`
}

type ruleNamespace struct {
	Namespace string  `yaml:"namespace"`
	Groups    []Group `yaml:"groups"`
}

type prometheusRule struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       groupsOf `yaml:"spec"`
}

type metadata struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace,omitempty"`
	Labels    map[string]string `yaml:"labels,omitempty"`
}
