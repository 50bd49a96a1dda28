package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const longKey = "0123456789abcdef0123456789abcdef"

func keyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "label.key")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLabelsAreReadInTheirOrder(t *testing.T) {
	c, err := read("HEADWAY_LABELS=tenant=header:X-Tenant, team=header:x-team,key=hash:Authorization", "HEADWAY_LABEL_KEY_FILE="+keyFile(t, longKey+"\n"))
	want := config.Labels{
		List: []tap.Label{{Name: "tenant", Field: "x-tenant"}, {Name: "team", Field: "x-team"}, {Name: "key", Field: "authorization", Hash: true}},
		Key:  []byte(longKey),
	}
	if err != nil || !reflect.DeepEqual(c.RequestLabels, want) || len(c.Warnings) > 0 || c.MaxTenants != 200 {
		t.Errorf("%+v, %d tenants, warnings %v, %v", c.RequestLabels, c.MaxTenants, c.Warnings, err)
	}
}

func TestAWrongLabelIsNamedWithItsRemedy(t *testing.T) {
	many := strings.Join(strings.Split("abcdefghi", ""), "=header:A,") + "=header:A"
	for _, tt := range []struct{ name, variable, want string }{
		{"no source", "LABELS=tenant=X-Tenant", `HEADWAY_LABELS: "tenant=X-Tenant": it is not name=header:Field or name=hash:Field; for example HEADWAY_LABELS=tenant=header:X-Tenant,team=header:X-Team`},
		{"a source with a slip", "LABELS=tenant=haeder:X-Tenant", `"haeder" is none of header, hash: did you mean header?`},
		{"a label of a metric", "LABELS=model=header:X-Model", "the name belongs to headway's own metrics"},
		{"a label of the conventions", "LABELS=gen_ai_request_model=header:X-Model", "the name belongs to headway's own metrics"},
		{"a label of targets", "LABELS=pod=header:X-Pod", "the name belongs to Prometheus, its targets or its alerts"},
		{"twice", "LABELS=a=header:X,a=header:Y", `"a=header:Y": the name belongs to another label of the list`},
		{"a secret", "LABELS=key=header:Authorization", "Authorization holds a secret, which must not become a label; write key=hash:Authorization"},
		{"too many", "LABELS=" + many, "there are 9 labels, and 8 are the most"},
		{"no tenants", "MAX_TENANTS=0", `"0" is not within 1 and 10000`},
		{"a short key", "LABEL_KEY_FILE=" + keyFile(t, "secret-12345678\n"), "the key has 15 bytes"},
		{"an empty key", "LABEL_KEY_FILE=" + keyFile(t, " \n"), "openssl rand -hex 32"},
		{"an indicator with a slip", "LIMIT_HEADERS=tftt=X", "did you mean ttft?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(config.Prefix + tt.variable)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret-1234") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestHashesWithoutASharedKeyGiveAWarning(t *testing.T) {
	a, err := read("HEADWAY_LABELS=key=hash:Authorization")
	if err != nil || len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0].Error(), "HEADWAY_LABEL_KEY_FILE") {
		t.Errorf("%v, %v", a.Warnings, err)
	}
	b, _ := read("HEADWAY_LABELS=key=hash:Authorization")
	if len(a.RequestLabels.Key) < 16 || string(a.RequestLabels.Key) == string(b.RequestLabels.Key) {
		t.Errorf("keys %q and %q", a.RequestLabels.Key, b.RequestLabels.Key)
	}
	if c, err := read("HEADWAY_LABELS=tenant=header:X-Tenant"); err != nil || len(c.Warnings) > 0 {
		t.Errorf("%v, %v", c.Warnings, err)
	}
}

// A pod that another machine runs has its key in a volume, which nobody reads here.
func TestAKeyOfAnotherMachineIsNotRead(t *testing.T) {
	c, err := config.ReadElsewhere([]string{"HEADWAY_UPSTREAM=http://h", "HEADWAY_LABELS=key=hash:Authorization", "HEADWAY_LABEL_KEY_FILE=/etc/headway/label.key"}, []string{"/etc/headway"})
	if err != nil || len(c.Warnings) > 0 || c.LabelKeyFile != "/etc/headway/label.key" {
		t.Errorf("%q, %v, %v", c.LabelKeyFile, c.Warnings, err)
	}
}

func TestLimitHeadersAddToThoseThatHeadwayKnows(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  []tap.LimitField
	}{
		{"", tap.KnownLimits()},
		{"e2e=X-Deadline-Ms", append(tap.KnownLimits(), tap.LimitField{Field: "x-deadline-ms", Indicator: exchange.E2E})},
		{"off", nil},
	} {
		if c, err := read("HEADWAY_LIMIT_HEADERS=" + tt.value); err != nil || !reflect.DeepEqual(c.RequestLimits, tt.want) {
			t.Errorf("%q: %v, %v", tt.value, c.RequestLimits, err)
		}
	}
}
