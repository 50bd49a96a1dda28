package config

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// NewLogger returns a logger that writes lines of at least the given level to w. The
// format is json or text. Empty is text if w is a terminal, and JSON otherwise.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	if f, ok := w.(*os.File); ok && format == "" && term.IsTerminal(int(f.Fd())) {
		format = "text"
	}
	options := &slog.HandlerOptions{Level: level}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
