package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

// helpColumns is the greatest width of a line of help.
const helpColumns = 80

// listVariables lists variables for a terminal, by group: the name of each with its
// default, and below it the meaning, in lines of helpColumns at most. A line is longer
// only if a single word is.
func listVariables(variables []config.Variable) string {
	var b strings.Builder
	group := ""
	for _, v := range variables {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(&b, "\n%s:\n", group)
		}
		standard := ""
		if v.Default != "" {
			standard = " (default " + v.Default + ")"
		}
		fmt.Fprintf(&b, "  %s%s\n", v.Name, standard)
		meaning := strings.ReplaceAll(v.Meaning, "`", "")
		if len(v.Pages) > 0 {
			meaning += " (docs/" + strings.Join(v.Pages, ", docs/") + ")"
		}
		for _, line := range fill(meaning, helpColumns-6) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// ofOpenTelemetry begins the name of every variable that OpenTelemetry defines.
const ofOpenTelemetry = "OTEL_"

// isVariable says whether name is that of a variable rather than of a command.
func isVariable(name string) bool {
	return strings.HasPrefix(name, config.Prefix) || strings.HasPrefix(name, ofOpenTelemetry)
}

// unknownVariable is the error that headway has no text about the variable with that name.
func unknownVariable(name string) error {
	switch {
	case strings.HasPrefix(name, ofOpenTelemetry):
		return errors.New("OpenTelemetry defines this variable; docs/opentelemetry.md says which of them headway reads, and how")
	case name == config.Prefix:
		return errors.New("this is no whole name of a variable; headway run -h lists all")
	}
	return config.UnknownVariable(name)
}

// explain prints the meaning of each of the named variables.
func explain(names []string, out io.Writer) error {
	all := config.Variables()
	var asked []config.Variable
	var wrong []error
	for _, name := range names {
		at := slices.IndexFunc(all, func(v config.Variable) bool { return v.Name == name })
		if at < 0 {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, unknownVariable(name)))
			continue
		}
		asked = append(asked, all[at])
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	_, err := fmt.Fprintln(out, strings.TrimPrefix(listVariables(asked), "\n"))
	return err
}

// fill breaks text between words into lines of so many columns.
func fill(text string, columns int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > columns:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
