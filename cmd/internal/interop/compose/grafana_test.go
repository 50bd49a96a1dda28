//go:build interop

package compose_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// The files from which Grafana provisions itself, with the fields that compose uses. A
// field that is not among them fails the test.
// https://grafana.com/docs/grafana/latest/administration/provisioning/
type (
	datasources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `yaml:"isDefault"`
			JSONData                     struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type string
			Options            struct{ Path string }
		}
	}
)

// TestInteropComposeProvisionsGrafana follows each file of Grafana: no registry has
// Grafana's server, so that nothing here starts it.
func TestInteropComposeProvisionsGrafana(t *testing.T) {
	p := load(t)
	grafana := p.Services["grafana"]
	source := provisioned[datasources](t, grafana, "/etc/grafana/provisioning/datasources/")
	if len(source.Datasources) != 1 || source.APIVersion != 1 || source.Datasources[0].Type != "prometheus" || source.Datasources[0].Access != "proxy" {
		t.Fatalf("the data sources are %+v", source)
	}
	at, err := url.Parse(source.Datasources[0].URL)
	if err != nil || !slices.Contains(targets(p.Services["prometheus"]), at.Port()) || at.Hostname() != "prometheus" {
		t.Errorf("Grafana asks %s, %v", source.Datasources[0].URL, err)
	}
	provider := provisioned[providers](t, grafana, "/etc/grafana/provisioning/dashboards/")
	if len(provider.Providers) != 1 || provider.APIVersion != 1 || provider.Providers[0].Type != "file" {
		t.Fatalf("the providers of dashboards are %+v", provider)
	}
	folder := grafana.behind(provider.Providers[0].Options.Path)
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards in %q: %v", folder, err)
	}
	uids := map[string]bool{}
	for _, file := range files {
		uid := dashboard(t, file)
		if uid == "" || uids[uid] {
			t.Errorf("%s has the uid %q", file, uid)
		}
		uids[uid] = true
	}
}

// targets returns the ports of a service.
func targets(s service) (all []string) {
	for _, p := range s.Ports {
		all = append(all, strconv.Itoa(p.Target))
	}
	return all
}

// behind returns the path that a service sees as target.
func (s *service) behind(target string) string {
	for _, v := range s.Volumes {
		if v.Target == target {
			return v.Source
		}
	}
	return ""
}

// provisioned reads the only file that is mounted in a folder.
func provisioned[T any](t *testing.T, s service, folder string) (v T) {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(s.Volumes), func(v volume) bool { return !strings.HasPrefix(v.Target, folder) })
	if len(found) != 1 {
		t.Fatalf("%d files in %s", len(found), folder)
	}
	file, err := os.Open(found[0].Source)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	d := yaml.NewDecoder(file)
	d.KnownFields(true)
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", found[0].Source, err)
	}
	return v
}

// dashboard returns the uid of a dashboard that takes its data from a Prometheus.
func dashboard(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID        string
		Templating struct {
			List []struct{ Name, Type, Query any }
		}
	}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if v := d.Templating.List; len(v) == 0 || v[0].Type != "datasource" || v[0].Query != "prometheus" {
		t.Errorf("%s does not ask for a Prometheus", file)
	}
	return d.UID
}
