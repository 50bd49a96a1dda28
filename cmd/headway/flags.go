package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
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
		fmt.Fprintf(out, "%s\n", about)
		printFlags(f, out)
		return err
	case err != nil:
		return usageError{fmt.Errorf("%w; headway %s -h lists the flags", err, f.Name())}
	}
	return nil
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
