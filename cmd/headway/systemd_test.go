package main

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
)

// systemd kills headway when TimeoutStopSec is over, so that it must be longer than
// headway may take to drain and flush. docs/lifecycle.md has the same rule.
func TestTheUnitForSystemdLetsHeadwayDrain(t *testing.T) {
	unit := read(t, "deploy/systemd/headway.service")
	stop, err := time.ParseDuration(matches(`(?m)^TimeoutStopSec=(\d+)$`, unit)[0] + "s")
	if err != nil {
		t.Fatal(err)
	}
	set, err := config.Read([]string{"HEADWAY_UPSTREAM=https://api.openai.com"})
	if err != nil {
		t.Fatal(err)
	}
	if need := set.DrainTimeout + set.ScrapeWait + 2*sidecar.FlushTimeout; stop <= need {
		t.Errorf("systemd waits %v, headway may take %v", stop, need)
	}
	for _, want := range []string{"ExecStart=/usr/local/bin/headway run\n", "ExecStartPre=/usr/local/bin/headway run --check\n", "ExecReload=/bin/kill -HUP $MAINPID\n", "RestartPreventExitStatus=2\n"} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
}
