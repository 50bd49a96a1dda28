package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

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
		return usageError{fmt.Errorf("unexpected argument %q", f.Arg(0))}
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
		return usageError{fmt.Errorf("%w%s; headway %s -h lists the flags", err, meantFlag(f, err), f.Name())}
	}
	return nil
}

// meantFlag is a hint at the flag of f that the user likely meant, if err says that f has
// no such flag.
func meantFlag(f *flag.FlagSet, err error) string {
	_, name, unknown := strings.Cut(err.Error(), "flag provided but not defined: -")
	var names []string
	f.VisitAll(func(one *flag.Flag) { names = append(names, one.Name) })
	near := spelling.Nearest(name, names)
	if !unknown || len(near) == 0 {
		return ""
	}
	return ": did you mean --" + strings.Join(near, " or --") + "?"
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
