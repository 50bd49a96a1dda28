package config_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestLogHasDurationsAsText(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		var log bytes.Buffer
		config.NewLogger(&log, slog.LevelInfo, format).Info("dialed", "wait", 107446592*time.Nanosecond, slog.Group("of", "one", 250*time.Microsecond))
		for _, want := range []string{"107ms", "250\u00b5s"} {
			if !strings.Contains(log.String(), want) || strings.Contains(log.String(), "107446592") {
				t.Errorf("%s has no %s: %s", format, want, log.String())
			}
		}
	}
}
