package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// newFlags returns an empty set of flags for the named command. The set prints no
// errors and no help by itself.
func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// parse reads args into f, for a command that takes no arguments beyond its flags. If
// args ask for help, parse writes about and the list of flags to out.
func parse(f *flag.FlagSet, args []string, about string, out io.Writer) error {
	if err := parseFlags(f, args, about, out); err != nil {
		return err
	}
	if f.NArg() > 0 {
		hint := ""
		if near := spelling.Nearest(f.Arg(0), flagNames(f)); len(near) > 0 {
			hint = ": did you mean --" + strings.Join(near, " or --") + "?"
		}
		return usageError{fmt.Errorf("unexpected argument %q%s", f.Arg(0), hint)}
	}
	return nil
}

// parseFlags is parse for a command that takes arguments.
func parseFlags(f *flag.FlagSet, args []string, about string, out io.Writer) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		if list, ok := out.(*flagList); ok {
			f.VisitAll(func(one *flag.Flag) { list.flags = append(list.flags, one) })
			return err
		}
		fmt.Fprintf(out, "%s\n", about)
		printFlags(f, out)
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s%s; headway %s -h lists the flags", misusedFlag(f, err), meantFlag(f, err), f.Name())}
	}
	return nil
}

// The errors of package flag, which writes one dash before each name.
var (
	wrongFlagValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-(\S+?): (.*)$`)
	oneDash        = regexp.MustCompile(`(^|[ :])-([a-z])`)
)

// misusedFlag is err, an error of package flag, with two dashes before the name of a flag
// of several letters. For a value that cannot be read it says how one is written.
func misusedFlag(f *flag.FlagSet, err error) string {
	m := wrongFlagValue.FindStringSubmatch(err.Error())
	if m == nil {
		return oneDash.ReplaceAllString(err.Error(), "$1--$2")
	}
	why := m[3]
	if one := f.Lookup(m[2]); one != nil && strings.Contains(why, "parse error") {
		value, _ := strconv.Unquote(m[1])
		why = notationOf(one, value)
	} else {
		why = "cannot be read: " + why
	}
	return fmt.Sprintf("--%s: %s %s", m[2], m[1], why)
}

// notationOf says how a value of the flag is written, in place of value.
func notationOf(one *flag.Flag, value string) string {
	getter, ok := one.Value.(flag.Getter)
	if !ok {
		return "cannot be read"
	}
	switch getter.Get().(type) {
	case time.Duration:
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			return fmt.Sprintf("has no unit; write %sms or %ss", value, value)
		}
		return "is no duration; write 500ms, 10s or 1m"
	case bool:
		return "is neither true nor false"
	case float64:
		return "is no number; write 0.5"
	}
	return "is no whole number; write 8"
}

// meantFlag is a hint at the flag of f that the user likely meant, if err says that f has
// no such flag.
func meantFlag(f *flag.FlagSet, err error) string {
	_, name, unknown := strings.Cut(err.Error(), "flag provided but not defined: -")
	near := spelling.Nearest(name, flagNames(f))
	if !unknown || len(near) == 0 {
		return ""
	}
	return ": did you mean --" + strings.Join(near, " or --") + "?"
}

// flagNames lists the flags of f.
func flagNames(f *flag.FlagSet) []string {
	var names []string
	f.VisitAll(func(one *flag.Flag) { names = append(names, one.Name) })
	return names
}

// inFlags returns an error of config.Read for a command that made the environment of its
// flags: in place of each variable the error names the flag.
func inFlags(err error, flags map[string]string) error {
	var names []string
	for variable, name := range flags {
		names = append(names, config.Prefix+variable+"=", "--"+name+" ", config.Prefix+variable, "--"+name)
	}
	return usageError{errors.New(strings.NewReplacer(names...).Replace(err.Error()))}
}

// printFlags lists the flags of f.
func printFlags(f *flag.FlagSet, out io.Writer) {
	first := true
	f.VisitAll(func(one *flag.Flag) {
		if first {
			fmt.Fprintln(out, "\nFlags:")
			first = false
		}
		value, text := flag.UnquoteUsage(one)
		standard := ""
		if one.DefValue != "" && one.DefValue != "0" && one.DefValue != "0s" && one.DefValue != "false" {
			standard = " (default " + one.DefValue + ")"
		}
		fmt.Fprintf(out, "  %-28s %s%s\n", strings.TrimSpace("--"+one.Name+" "+value), text, standard)
	})
}

// meant asks for the known word that word is near, behind a list of them.
func meant(word string, known []string) string {
	if len(spelling.Nearest(word, known)) == 0 {
		return ""
	}
	return "; " + spelling.Hint(word, known)
}
