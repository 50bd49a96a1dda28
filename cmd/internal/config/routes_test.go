package config_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestAnUpstreamThatEndsWithAVersionIsNoted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		environ []string
		want    []string // how the notes begin
		example string   // a base URL in the notes
	}{
		{"an upstream", []string{"HEADWAY_UPSTREAM=https://api.openai.com/v1/"}, []string{"HEADWAY_UPSTREAM: https://api.openai.com/v1 ends with /v1"}, "http://127.0.0.1:8480"},
		{"a beta version", []string{"HEADWAY_UPSTREAM=http://h/api/v1beta"}, []string{"HEADWAY_UPSTREAM: http://h/api/v1beta ends with /v1beta"}, "http://127.0.0.1:8480"},
		{"routes", []string{"HEADWAY_ROUTES=/a=http://a/v1,/b=http://b,/c=http://c/v2"}, []string{"HEADWAY_ROUTES: /a=http://a/v1", "HEADWAY_ROUTES: /c=http://c/v2"}, "http://127.0.0.1:8480/a"},
		{"no path", []string{"HEADWAY_UPSTREAM=http://h"}, nil, ""},
		{"a version before the end", []string{"HEADWAY_UPSTREAM=http://h/v1/projects"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Read(tt.environ)
			if err != nil || len(c.Warnings) > 0 || len(c.Notes) != len(tt.want) {
				t.Fatalf("notes %q, warnings %q, %v", c.Notes, c.Warnings, err)
			}
			for i, want := range tt.want {
				if got := c.Notes[i].Error(); !strings.HasPrefix(got, want) || i == 0 && !strings.HasSuffix(got, tt.example) {
					t.Errorf("note %q, want one that begins %q and ends %q", got, want, tt.example)
				}
			}
		})
	}
}
