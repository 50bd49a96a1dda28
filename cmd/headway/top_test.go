package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTopNeedsOneSidecar(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		args       []string
		usage      bool
	}{
		{"two addresses", "one sidecar at a time", []string{"a:1", "b:1"}, true},
		{"an address and a flag", "name one of them", []string{"--admin", "http://a:1", "a:1"}, true},
		{"no address", `"ftp://a" is no http or https URL`, []string{"ftp://a"}, true},
		{"too often", "less than 100ms", []string{"--every", "1ms"}, true},
		{"nobody there", "no sidecar answers", []string{"127.0.0.1:1"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := runTop(t.Context(), tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, errUsage) != tt.usage {
				t.Errorf("it is %v, want %s", err, tt.want)
			}
		})
	}
}

// TestTopShowsARunningSidecar: lines while it runs, and a table at the end.
func TestTopShowsARunningSidecar(t *testing.T) {
	s, err := demoSidecar(anyPort(), "127.0.0.1:1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(serving, t.Context()) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := runTop(ctx, []string{"--every", "100ms", s.AdminAddr().String()}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasPrefix(text, "requests 0, 0.0/s") || !strings.Contains(text, "\nlast ") || !strings.Contains(text, "SLO chat-interactive: 97 % of attempts") {
		t.Errorf("it printed\n%s", text)
	}
}
