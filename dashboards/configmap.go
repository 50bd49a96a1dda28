package dashboards

import (
	"bytes"
	"fmt"
	"strings"
)

// ConfigMap is how a Kubernetes object carries a dashboard to the Grafana of
// kube-prometheus-stack, whose sidecar watches ConfigMaps.
type ConfigMap struct {
	Namespace string // empty leaves it to kubectl
	Folder    string // folder in Grafana
}

// YAML is d as a ConfigMap. The label and its value are the defaults of the chart's values
// grafana.sidecar.dashboards.label and .labelValue (kube-prometheus-stack 88.5.3). The value
// .folderAnnotation names the annotation; it has no default, so the user sets it
// (values.yaml of the chart grafana 12.11.1, which that chart includes).
func (c ConfigMap) YAML(d Dashboard) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n", d.UID)
	if c.Namespace != "" {
		fmt.Fprintf(&out, "  namespace: %s\n", c.Namespace)
	}
	fmt.Fprintf(&out, "  labels: {grafana_dashboard: \"1\"}\n  annotations: {grafana_folder: %q}\ndata:\n  %s.json: |\n", c.Folder, d.UID)
	for line := range strings.Lines(string(d.JSON)) {
		out.WriteString("    " + line)
	}
	return out.Bytes()
}
