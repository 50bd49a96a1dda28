package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/slo"
)

// findings gathers the problems and the warnings of an environment while Read goes
// through it.
type findings struct {
	values   map[string]string // the environment
	unread   []string          // variables with a value that could not be parsed
	problems []finding
	warnings []finding
}

// finding is a problem, a warning or a note of one variable.
type finding struct {
	variable string
	err      error
}

// predicate is an error that says something about the value of a variable as a whole,
// "is negative". The message has the value before it, as the user wrote it.
type predicate string

func (p predicate) Error() string { return string(p) }

// check notes err as a problem of the variable of headway's own that has the key, unless
// err is nil. The message gets an example of a right value. A value that could not be
// parsed gets no second problem.
func (f *findings) check(key string, err error) {
	variable := Prefix + key
	var mistakes slo.Problems
	switch {
	case err == nil || slices.Contains(f.unread, variable):
	case errors.As(err, &mistakes):
		for _, m := range mistakes { // each has a correction of its own
			f.problems = append(f.problems, finding{variable, m})
		}
	default:
		f.problems = append(f.problems, finding{variable, f.explain(variable, err)})
	}
}

// explain returns err with the value before it, if err is a predicate, and an example
// behind it.
func (f *findings) explain(variable string, err error) error {
	if p, ok := err.(predicate); ok { //nolint:errorlint // nobody wraps a predicate
		err = fmt.Errorf("%s %w", quoted(f.values[variable]), p)
	}
	example := exampleOf(variable)
	if strings.TrimSpace(f.values[variable]) == example {
		return err // the value is the example, which would repeat what the message calls wrong
	}
	return fmt.Errorf("%w; for example %s=%s", err, variable, example)
}

// checkOnce notes err as a problem of a variable, unless err is nil or the variable has a
// problem already.
func (f *findings) checkOnce(variable string, err error) {
	if err != nil && !slices.ContainsFunc(f.problems, func(p finding) bool { return p.variable == variable }) {
		f.problems = append(f.problems, finding{variable, err})
	}
}

// warn notes err as a warning of a variable, unless err is nil or the variable has the
// same warning already.
func (f *findings) warn(variable string, err error) {
	if err != nil && !slices.ContainsFunc(f.warnings, func(w finding) bool { return w.variable == variable && w.err.Error() == err.Error() }) {
		f.warnings = append(f.warnings, finding{variable, err})
	}
}

// unparsed notes the values that the env library could not parse.
func (f *findings) unparsed(err error) {
	if err == nil {
		return
	}
	all := env.AggregateError{Errors: []error{err}}
	errors.As(err, &all)
	for _, err := range all.Errors {
		var p env.ParseError
		if !errors.As(err, &p) {
			f.problems = append(f.problems, finding{err: err})
			continue
		}
		field, _ := reflect.TypeFor[Config]().FieldByName(p.Name)
		variable := Prefix + field.Tag.Get("env")
		f.problems = append(f.problems, finding{variable, f.explain(variable, notation(field.Type))})
		f.unread = append(f.unread, variable)
	}
}

// notation says how a value of the type t is written.
func notation(t reflect.Type) predicate {
	switch typeOf(t) {
	case Duration:
		return "is no duration, which is a number and its unit (ms, s, m or h) without a space"
	case Bytes:
		return "is no size, which is a whole number above 0, perhaps with a binary unit (KiB, MiB or GiB)"
	case Bool:
		return "is neither true nor false"
	case Int:
		return "is no whole number"
	case Number:
		return "is no number"
	}
	if t == reflect.TypeFor[slog.Level]() {
		return "is none of debug, info, warn, error"
	}
	return "cannot be read"
}

// written returns the value of the variable of headway's own that has the key, as the user
// wrote it, or else the default.
func (f *findings) written(key string) string {
	field := fieldOf(Prefix + key)
	return cmp.Or(f.values[Prefix+key], field.Tag.Get("envDefault"))
}

// exampleOf returns a right value of a variable: the example in the tag of its field, or
// its default.
func exampleOf(variable string) string {
	field := fieldOf(variable)
	return cmp.Or(field.Tag.Get("example"), field.Tag.Get("envDefault"))
}

// fieldOf returns the field of Config for a variable, the zero value if there is none.
func fieldOf(variable string) reflect.StructField {
	for field := range reflect.TypeFor[Config]().Fields() {
		if Prefix+field.Tag.Get("env") == variable {
			return field
		}
	}
	return reflect.StructField{}
}

// quoted returns a value in quotes for a message, without the parts of a URL that may be
// secret.
func quoted(value string) string {
	before, _, at := strings.Cut(value, "@")
	if strings.Contains(value, "://") || at && strings.Contains(before, ":") {
		value = proxy.Shown(value)
	}
	return strconv.Quote(value)
}

// sorted returns the findings as errors in the order of the variables. Each is one line
// that begins with its variable: libraries have errors of several lines.
func sorted(all []finding) []error {
	slices.SortStableFunc(all, func(a, b finding) int { return strings.Compare(a.variable, b.variable) })
	var out []error
	for _, one := range all {
		lines := strings.Split(one.err.Error(), "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		text := strings.Join(lines, " ")
		if one.variable != "" {
			text = one.variable + ": " + text
		}
		out = append(out, errors.New(text))
	}
	return out
}
