package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
)

func TestCommandLine(t *testing.T) {
	right := []string{"HEADWAY_INJECTOR_IMAGE=ghcr.io/headway-sidecar/headway:v1", "HEADWAY_INJECTOR_SERVICE=headway-system/headway-injector",
		"HEADWAY_INJECTOR_WEBHOOK=headway-injector", "HEADWAY_INJECTOR_SECRET=tls"}
	for _, tt := range []struct {
		name     string
		args     []string
		environ  []string
		code     int
		out, err string // parts of them
	}{
		{"version", []string{"--version"}, nil, exitOK, "headway-injector ", ""},
		{"help", []string{"-h"}, nil, exitOK, "HEADWAY_INJECTOR_LISTEN (default :8443)", ""},
		{"check", []string{"--check"}, right, exitOK, "configuration is valid", ""},
		{"check of nothing", []string{"--check"}, nil, exitUsage, "", "HEADWAY_INJECTOR_IMAGE: "},
		{"unknown flag", []string{"--chek"}, right, exitUsage, "", "headway-injector -h lists the flags"},
		{"argument", []string{"run"}, right, exitUsage, "", `unexpected argument "run"`},
		{"outside a cluster", nil, right, exitFailed, "", "KUBERNETES_SERVICE_HOST is not set"},
		{"a pod without credentials", nil, append(right, "KUBERNETES_SERVICE_HOST=127.0.0.1", "KUBERNETES_SERVICE_PORT=1"), exitFailed, "", "reading the credentials of the pod"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), tt.args, tt.environ, &out, &errs); code != tt.code {
				t.Errorf("code %d, want %d: %s", code, tt.code, errs.String())
			}
			if !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.err) {
				t.Errorf("printed %q and %q", out.String(), errs.String())
			}
		})
	}
}

func TestHelpHasEveryVariable(t *testing.T) {
	var out bytes.Buffer
	run(t.Context(), []string{"-h"}, nil, &out, &out)
	for _, v := range injector.Variables() {
		if !strings.Contains(out.String(), "  "+v.Name) || v.Meaning == "" {
			t.Errorf("%s is not explained", v.Name)
		}
	}
}
