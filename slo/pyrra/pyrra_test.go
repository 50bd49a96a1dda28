package pyrra_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/pyrra"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const day = 24 * time.Hour

func set() slo.Set {
	return slo.Set{SLOs: []slo.SLO{
		{
			Name: "Chat.Interactive", Objective: 99.9, Window: 28 * day,
			Alerting: slo.Alerting{
				Page: true, MinRequests: 10, By: []string{"cluster"}, Runbook: "https://example.com/r", Dashboard: "https://example.com/d",
				Labels: map[string]string{"team": "chat"}, Annotations: map[string]string{"channel": "#chat"},
			},
		},
		{Name: "embeddings", Objective: 95, Window: 30 * day},
	}}
}

func TestPyrraDocument(t *testing.T) {
	var text bytes.Buffer
	lost, err := pyrra.Write(&text, set(), "monitoring")
	if err != nil {
		t.Fatal(err)
	}
	const path = "testdata/pyrra.yaml"
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text.Bytes(), want) {
		t.Errorf("%s is not what is written; -update rewrites it. Written:\n%s", path, text.String())
	}
	wantLost := []string{
		"Chat.Interactive.name: Kubernetes allows no such name, so the object is called chat-interactive",
		"Chat.Interactive.alerting.min_requests: Pyrra knows no traffic floor",
		"Chat.Interactive.alerting: Pyrra makes alerts of every severity or none",
	}
	if len(lost) != len(wantLost) {
		t.Fatalf("lost are %v", slo.Problems(lost))
	}
	for i := range lost {
		if !strings.HasPrefix(lost[i].Error(), wantLost[i]) {
			t.Errorf("got  %v\nwant %s", lost[i], wantLost[i])
		}
	}
}

func TestNamesThatBecomeEqualAreRefused(t *testing.T) {
	twice := slo.Set{SLOs: []slo.SLO{{Name: "a.b", Objective: 99, Window: 30 * day}, {Name: "A-b", Objective: 99, Window: 30 * day}}}
	if _, err := pyrra.Write(new(bytes.Buffer), twice, ""); err == nil || !strings.Contains(err.Error(), "another SLO would be called a-b") {
		t.Errorf("got %v", err)
	}
}
