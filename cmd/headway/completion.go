package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/dashboards"
	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
	"github.com/headway-sidecar/headway/proxy/redirect"
	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/rules"
	"github.com/headway-sidecar/headway/slo/spelling"
)

const completionUsage = `usage: headway completion bash|zsh|fish

Prints a script that lets a shell complete headway's commands and flags, and, after
headway help, the names of variables. To load it:
  bash  source <(headway completion bash)
  zsh   source <(headway completion zsh)     after compinit
  fish  headway completion fish | source`

// verbs returns the words of which one follows the name of a command.
func verbs(command string) []string {
	switch command {
	case "demo":
		return []string{"fault"}
	case "baseline":
		return baselineVerbs()
	case "redirect":
		return redirectActions()
	case "slo":
		return []string{"convert", "suggest", "import"}
	case "completion":
		return shells()
	}
	return nil
}

// arguments returns the words that may follow a command and its verb, beside its flags.
func arguments(command, verb string) []string {
	switch {
	case command == "demo" && verb == "fault":
		return faultNames()
	case command == "baseline" && verb == "import":
		return importer.Tools()
	case command == "slo" && verb == "import":
		return append(sloSources(), mlperfNames()...)
	}
	return nil
}

// values returns the words that a flag takes. It returns nil where the flag takes any
// others: a shell completes those as files.
func values(command, flag string) []string {
	switch command + " --" + flag {
	case "report --by":
		return reportDivisions()
	case "baseline --output":
		return compareOutputs()
	case "report --output":
		return reportOutputs()
	case "dashboards --histograms":
		return words(dashboards.Kinds())
	case "dashboards --semconv":
		return words(exporter.SemConvs())
	case "rules --format":
		return words(rules.Formats())
	case "slo --from":
		return []string{"auto", "headway", "openslo"}
	case "slo --judge":
		return []string{string(slo.Chain), string(slo.Attempt)}
	case "slo --to":
		return []string{"headway", "openslo", "sloth", "pyrra"}
	case "redirect --backend":
		return words(redirect.Backends())
	}
	return nil
}

func words[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}

// shells returns the shells that headway writes a script for.
func shells() []string { return []string{"bash", "zsh", "fish"} }

// runCompletion is `headway completion`.
func runCompletion(ctx context.Context, args []string, out, _ io.Writer) error {
	shell := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		shell, args = args[0], args[1:]
	}
	if err := parse(newFlags("completion"), args, completionUsage, out); err != nil {
		return err
	}
	switch shell {
	case "bash":
		return writeBash(out, completions(ctx))
	case "zsh":
		return writeZsh(out, completions(ctx))
	case "fish":
		return writeFish(out, completions(ctx))
	case "":
		return usageError{errors.New("which shell? bash, zsh or fish")}
	}
	return usageError{fmt.Errorf("no script for %q; %s", shell, spelling.Hint(shell, shells()))}
}

// completed is a command, or a verb of one, with the words that may follow it.
type completed struct {
	command, verb string
	summary       string
	verbs         []string
	flags         []*flag.Flag
}

// flagList is an output that gathers the flags of a command in place of its help.
type flagList struct{ flags []*flag.Flag }

func (l *flagList) Write(p []byte) (int, error) { return len(p), nil }

// completions asks each command for its flags. So a new flag is completed without a line
// here.
func completions(ctx context.Context) []completed {
	var all []completed
	ask := func(c *command, verb string, args ...string) {
		var list flagList
		_ = c.run(ctx, append(args, "-h"), &list, io.Discard) // -h ends with flag.ErrHelp
		all = append(all, completed{command: c.name, verb: verb, summary: c.summary, verbs: verbs(c.name), flags: list.flags})
	}
	for _, c := range commands() {
		ask(&c, "")
		for _, verb := range verbs(c.name) {
			ask(&c, verb, verb)
		}
	}
	help := completed{command: "help", summary: "help for a command, or the meaning of a variable"}
	for _, c := range all {
		if c.verb == "" {
			help.verbs = append(help.verbs, c.command)
		}
	}
	for _, v := range config.Variables() {
		help.verbs = append(help.verbs, v.Name)
	}
	return append(all, help)
}

// names returns the words that may follow c, for shells that show no descriptions.
func (c *completed) names() string {
	words := arguments(c.command, c.verb)
	if c.verb == "" {
		words = append(words, c.verbs...)
	}
	for _, f := range c.flags {
		words = append(words, "--"+f.Name)
	}
	return strings.Join(words, " ")
}

// bashValues writes the cases of the flags that take a value. Those without words of their
// own leave it to bash to complete a file.
func bashValues(all []completed) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, c := range all {
		for _, f := range c.flags {
			value, _ := flag.UnquoteUsage(f)
			if at := c.command + " " + f.Name; value != "" && !seen[at] {
				seen[at] = true
				fmt.Fprintf(&b, "    %[1]s/--%[2]s|%[1]s/-%[2]s) words=%[3]q ;;\n", c.command, f.Name, strings.Join(values(c.command, f.Name), " "))
			}
		}
	}
	return b.String()
}

// writeBash writes the script for bash.
func writeBash(out io.Writer, all []completed) error {
	var commands []string
	var b strings.Builder
	for i := len(all) - 1; i >= 0; i-- { // verbs before their commands, whose patterns match them too
		c := &all[i]
		verb := c.verb
		if verb == "" {
			commands, verb = append([]string{c.command}, commands...), "*"
		}
		fmt.Fprintf(&b, "    %s/%s) words=%q ;;\n", c.command, verb, c.names())
	}
	_, err := fmt.Fprintf(out, `_headway() {
  local words=%q word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before="${COMP_WORDS[COMP_CWORD-2]}"
  fi
  if ((COMP_CWORD > 1)); then
    case "${COMP_WORDS[1]}/${COMP_WORDS[2]}" in
%s    *) words= ;;
    esac
    case "${COMP_WORDS[1]}/$before" in
%s    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _headway headway
`, strings.Join(commands, " "), b.String(), bashValues(all))
	return err
}

// writeZsh writes the script for zsh, which reads scripts for bash with bashcompinit.
func writeZsh(out io.Writer, all []completed) error {
	if _, err := fmt.Fprintln(out, "autoload -Uz bashcompinit && bashcompinit"); err != nil {
		return err
	}
	return writeBash(out, all)
}

// writeFish writes the script for fish.
func writeFish(out io.Writer, all []completed) error {
	var b strings.Builder
	for _, c := range all {
		seen := "__fish_seen_subcommand_from " + c.command
		if c.verb == "" {
			fmt.Fprintf(&b, "complete -c headway -f -n __fish_use_subcommand -a %s -d %s\n", c.command, fishQuoted(c.summary))
			for _, verb := range c.verbs {
				fmt.Fprintf(&b, "complete -c headway -f -n '%s; and not __fish_seen_subcommand_from %s' -a %s\n", seen, strings.Join(c.verbs, " "), verb)
			}
		} else {
			seen += "; and __fish_seen_subcommand_from " + c.verb
		}
		for _, word := range arguments(c.command, c.verb) {
			fmt.Fprintf(&b, "complete -c headway -f -n '%s' -a %s\n", seen, word)
		}
		for _, f := range c.flags {
			value, text := flag.UnquoteUsage(f)
			needs := ""
			if value != "" {
				needs = " -r"
			}
			if own := values(c.command, f.Name); own != nil {
				needs = " -x -a " + fishQuoted(strings.Join(own, " "))
			}
			fmt.Fprintf(&b, "complete -c headway -n '%s' -l %s%s -d %s\n", seen, f.Name, needs, fishQuoted(text))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// fishQuoted quotes text for fish.
func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
