package config_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestReadElsewhereAsksThisMachineNothing(t *testing.T) {
	own := ownAddress(t)
	for _, tt := range []struct {
		name    string
		environ []string
		want    string // in the error; empty for none
	}{
		{"files of another machine", []string{"HEADWAY_SLO_FILE=/etc/headway/slos.yaml", "HEADWAY_STATE_DIR=/data", "HEADWAY_CAPTURE_FILE=/data/c.jsonl"}, ""},
		{"certificates of another machine", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE=/etc/headway/ca.crt"}, ""},
		{"an upstream at an address of this machine", []string{"HEADWAY_LISTEN=0.0.0.0:8480", "HEADWAY_UPSTREAM=http://" + own + ":8480"}, ""},
		{"a name without an answer", []string{"HEADWAY_UPSTREAM=http://nowhere.invalid:8481"}, ""},
		{"an upstream that is loopback everywhere", []string{"HEADWAY_UPSTREAM=http://127.0.0.1:8480"}, "leads to HEADWAY_LISTEN"},
		{"a file in no volume", []string{"HEADWAY_SLO_FILE=/home/me/slos.yaml"}, `HEADWAY_SLO_FILE: "/home/me/slos.yaml" is in no volume of the sidecar, which has /etc/headway and /data`},
		{"a path that leaves its volume", []string{"HEADWAY_SLO_FILE=/etc/headway/../passwd"}, "is in no volume"},
		{"a relative path", []string{"HEADWAY_STATE_DIR=data"}, "is in no volume"},
		{"a certificate in no volume", []string{"OTEL_EXPORTER_OTLP_CERTIFICATE=/ca.crt"}, "OTEL_EXPORTER_OTLP_CERTIFICATE: "},
		{"a wrong value", []string{"HEADWAY_ROLE=sever"}, "HEADWAY_ROLE: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			environ := slices.Concat([]string{"HEADWAY_UPSTREAM=https://api.openai.com"}, tt.environ)
			_, err := config.ReadElsewhere(environ, []string{"/etc/headway", "/data"})
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReadElsewhereKeepsThePaths(t *testing.T) {
	c, err := config.ReadElsewhere([]string{"HEADWAY_UPSTREAM=https://api.openai.com", "HEADWAY_SLO_FILE=/etc/headway/slos.yaml"}, []string{"/etc/headway"})
	if err != nil || c.SLOFile != "/etc/headway/slos.yaml" {
		t.Errorf("%q, %v", c.SLOFile, err)
	}
}

// A variable that ReadElsewhere did not know as a path would be looked for on this machine.
func TestReadElsewhereKnowsEveryVariableWithAPath(t *testing.T) {
	found := 0
	for field := range reflect.TypeFor[config.Config]().Fields() {
		example := field.Tag.Get("example")
		if !strings.HasPrefix(example, "/") || strings.Contains(example, "=") {
			continue
		}
		found++
		name := config.Prefix + field.Tag.Get("env")
		_, err := config.ReadElsewhere([]string{"HEADWAY_UPSTREAM=https://api.openai.com", name + "=/nowhere/x"}, nil)
		if err == nil || !strings.Contains(err.Error(), name+`: "/nowhere/x" is in no volume`) {
			t.Errorf("%s: %v", name, err)
		}
		c, _ := config.ReadElsewhere([]string{"HEADWAY_UPSTREAM=https://api.openai.com", name + "=/nowhere/x"}, []string{"/nowhere"})
		if got := reflect.ValueOf(c).FieldByIndex(field.Index).String(); got != "/nowhere/x" {
			t.Errorf("%s: the field is %q", name, got)
		}
	}
	if found < 7 {
		t.Errorf("%d variables have a path", found)
	}
}
