package config

import (
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"
)

// NewLogger returns a logger that writes lines of at least the given level to w. The
// format is json or text. Empty is text if w is a terminal, and JSON otherwise. Durations
// are text in both, as in 107ms.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	if f, ok := w.(*os.File); ok && format == "" && term.IsTerminal(int(f.Fd())) {
		format = "text"
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: durationsAsText}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// durationsAsText returns a with text in place of a duration: slog writes a duration into
// JSON as a number of nanoseconds.
func durationsAsText(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	d := a.Value.Duration()
	if d >= time.Millisecond {
		d = d.Truncate(time.Millisecond)
	}
	return slog.String(a.Key, d.String())
}
