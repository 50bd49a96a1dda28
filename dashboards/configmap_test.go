package dashboards_test

import (
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/dashboards"
)

func TestAConfigMapHoldsTheDashboardByteForByte(t *testing.T) {
	for _, d := range build(t, dashboards.Options{}) {
		var object struct {
			Kind     string
			Metadata struct {
				Name, Namespace     string
				Labels, Annotations map[string]string
			}
			Data map[string]string
		}
		if err := yaml.Unmarshal(dashboards.ConfigMap{Namespace: "monitoring", Folder: "LLM: traffic"}.YAML(d), &object); err != nil {
			t.Fatal(err)
		}
		m := object.Metadata
		if object.Kind != "ConfigMap" || m.Name != d.UID || m.Namespace != "monitoring" || m.Labels["grafana_dashboard"] != "1" || m.Annotations["grafana_folder"] != "LLM: traffic" {
			t.Errorf("%s: %+v", d.UID, m)
		}
		if object.Data[d.UID+".json"] != string(d.JSON) {
			t.Errorf("%s: the ConfigMap has another dashboard", d.UID)
		}
	}
}
