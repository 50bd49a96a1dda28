package main

import (
	"flag"
	"io"
)

// parseArguments is parseFlags for a command whose flags may stand before, between and
// after its arguments, which it returns.
func parseArguments(f *flag.FlagSet, args []string, about string, out io.Writer) (arguments []string, err error) {
	for {
		if err := parseFlags(f, args, about, out); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return arguments, nil
		}
		arguments, args = append(arguments, f.Arg(0)), f.Args()[1:]
	}
}
