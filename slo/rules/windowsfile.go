package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
)

// windowsFile is a file of windows.
type windowsFile struct {
	Window duration
	Pairs  []windowsPair
}

type windowsPair struct {
	Severity    Severity
	Long, Short duration
	Factor      float64
}

// ReadWindows reads a file of windows:
//
//	window: 30d
//	pairs:
//	  - {severity: page, long: 1h, short: 5m, factor: 14.4}
//
// The shorter long window of a severity makes its fast alert, the longer one its
// slow alert.
func ReadWindows(name string, in io.Reader) (Windows, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return Windows{}, fmt.Errorf("reading %s: %w", name, err)
	}
	var file windowsFile
	var misread *yaml.LoadErrors
	switch err := yaml.Load(text, &file, yaml.WithKnownFields()); {
	case len(bytes.TrimSpace(text)) == 0:
		return Windows{}, fmt.Errorf("%s: the file is empty; begin with window: 30d", name)
	case errors.As(err, &misread):
		return Windows{}, slo.Misread(name, 1, err, reflect.TypeFor[windowsFile]())
	case err != nil:
		return Windows{}, slo.Syntax(name, text, err)
	}
	w := Windows{Window: time.Duration(file.Window)}
	for _, p := range file.Pairs {
		w.Pairs = append(w.Pairs, Pair{"", p.Severity, time.Duration(p.Long), time.Duration(p.Short), p.Factor})
	}
	if err := w.check(); err != nil {
		return Windows{}, fmt.Errorf("%s: %w", name, err)
	}
	w.name()
	return w, nil
}

// name names the alerts of w's pairs.
func (w *Windows) name() {
	slices.SortStableFunc(w.Pairs, func(a, b Pair) int { return cmp.Compare(a.Long, b.Long) })
	names := map[Severity][]string{Page: {PageFast, PageSlow}, Ticket: {TicketFast, TicketSlow}}
	for i := range w.Pairs {
		s := w.Pairs[i].Severity
		w.Pairs[i].Alert, names[s] = names[s][0], names[s][1:]
	}
}

// duration is a time.Duration that a file may spell in days.
type duration time.Duration

// UnmarshalText reads 30d, or any text that time.ParseDuration reads.
func (d *duration) UnmarshalText(text []byte) error {
	s := string(text)
	if n := len(s) - 1; n > 0 && s[n] == 'd' {
		days, err := strconv.ParseUint(s[:n], 10, 16)
		if err != nil {
			return fmt.Errorf("%q is no duration: write 30d, 1h or 5m", s)
		}
		*d = duration(time.Duration(days) * day)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is no duration: write 30d, 1h or 5m", s)
	}
	*d = duration(v)
	return nil
}
