package redirect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// lockSeconds is how long iptables may wait for another instance to finish.
const lockSeconds = "5"

// chain is the name of our chain for a direction.
func chain(d direction) string { return "HEADWAY_" + builtin(d) }

// builtin is the kernel's own chain of the nat table for a direction.
func builtin(d direction) string { return strings.ToUpper(string(d)) }

// jump is the rule that leads to our chain.
func jump(d direction) string { return "-A " + builtin(d) + " -p tcp -j " + chain(d) }

// chains holds our chains in a nat table: for each of them, the rules that jump to it, as
// iptables-save lists them.
type chains map[direction][]string

// readChains finds our chains in the output of iptables-save.
func readChains(saved string) chains {
	found := chains{}
	for _, d := range []direction{output, prerouting} {
		for line := range strings.Lines(saved) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, ":"+chain(d)+" "):
				found[d] = append([]string{}, found[d]...)
			case strings.HasSuffix(line, " -j "+chain(d)), strings.HasSuffix(line, " -g "+chain(d)):
				found[d] = append(found[d], line)
			}
		}
	}
	return found
}

// iptablesScript is the input with which iptables-restore --noflush makes the plan's
// rules in one transaction. Found holds our chains that are there already.
func iptablesScript(p Plan, f Family, found chains) string {
	var b strings.Builder
	b.WriteString("*nat\n")
	for _, d := range []direction{output, prerouting} {
		rules := p.rules(d, f)
		if len(rules) == 0 {
			b.WriteString(found.removal(d))
			continue
		}
		fmt.Fprintf(&b, ":%s - [0:0]\n", chain(d)) // makes the chain, or empties it
		for _, r := range rules {
			fmt.Fprintf(&b, "-A %s %s\n", chain(d), r.iptables(d))
		}
		if len(found[d]) == 0 {
			b.WriteString(jump(d) + "\n")
		}
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// removal is the part of a script that removes our chain for a direction, and our jump
// to it.
func (c chains) removal(d direction) string {
	if _, ok := c[d]; !ok {
		return ""
	}
	var b strings.Builder
	for _, line := range c[d] {
		if line == jump(d) {
			b.WriteString("-D" + strings.TrimPrefix(line, "-A") + "\n")
		}
	}
	return b.String() + fmt.Sprintf("-F %s\n-X %s\n", chain(d), chain(d))
}

// foreign is a rule that jumps to one of our chains and is not ours, or empty.
func (c chains) foreign() string {
	for d, lines := range c {
		for _, line := range lines {
			if line != jump(d) {
				return line
			}
		}
	}
	return ""
}

// iptables drives the programs of one variant.
type iptables struct {
	backend Backend // NFTIPTables or LegacyIPTables
	run     func(ctx context.Context, in, name string, args ...string) (string, error)
}

// command is the name of this variant's program for verb, which is save or restore. When
// there is no program with the variant in its name, the plain program may be of the
// variant.
func (i iptables) command(ctx context.Context, f Family, verb string) (string, error) {
	stem, variant, banner := "iptables", "nft", "(nf_tables)"
	if f == IPv6 {
		stem = "ip6tables"
	}
	if i.backend == LegacyIPTables {
		variant, banner = "legacy", "(legacy)"
	}
	named, plain := stem+"-"+variant+"-"+verb, stem+"-"+verb
	if _, err := i.run(ctx, "", named, "--version"); !errors.Is(err, exec.ErrNotFound) {
		return named, err
	}
	version, err := i.run(ctx, "", plain, "--version")
	switch {
	case err != nil && !errors.Is(err, exec.ErrNotFound):
		return "", err
	case err == nil && strings.Contains(version, banner):
		return plain, nil
	case err == nil && i.backend == LegacyIPTables && !strings.Contains(version, "("): // before 1.8 there was one variant
		return plain, nil
	}
	return "", fmt.Errorf("%s: %w, and %s is not of that variant; the backend nft needs no program", named, exec.ErrNotFound, plain)
}

// saved is the nat table in the form of iptables-save, or empty when there is none.
func (i iptables) saved(ctx context.Context, f Family) (string, error) {
	if i.backend == LegacyIPTables && !legacyLoaded(f) {
		return "", nil // listing it would load it
	}
	name, err := i.command(ctx, f, "save")
	if err != nil {
		return "", err
	}
	saved, err := i.run(ctx, "", name, "-t", "nat")
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnseen, err)
	}
	return saved, nil
}

// errUnseen says that a program failed to list the rules.
var errUnseen = errors.New("listing rules")

// legacyLoaded tells whether the family's legacy nat table is in use in this network
// namespace. The kernel tells root only.
func legacyLoaded(f Family) bool {
	file := "/proc/thread-self/net/ip_tables_names"
	if f == IPv6 {
		file = "/proc/thread-self/net/ip6_tables_names"
	}
	names, err := os.ReadFile(file)
	return err == nil && strings.Contains("\n"+string(names), "\nnat\n")
}

// prepare tests the plan's rules for one family, and returns the function that makes
// them.
func (i iptables) prepare(ctx context.Context, p Plan, f Family) (func() error, error) {
	saved, err := i.saved(ctx, f)
	if err != nil {
		return nil, err
	}
	restore, err := i.command(ctx, f, "restore")
	if err != nil {
		return nil, err
	}
	script := iptablesScript(p, f, readChains(saved))
	if _, err := i.run(ctx, script, restore, "--noflush", "--wait", lockSeconds, "--test"); err != nil {
		return nil, err
	}
	return func() error {
		_, err := i.run(ctx, script, restore, "--noflush", "--wait", lockSeconds)
		return err
	}, nil
}

// install makes the plan's rules for the families in place of our rules for any family.
// It changes nothing unless the tests of all families succeed.
func (i iptables) install(ctx context.Context, p Plan, families []Family) error {
	steps := map[Family]func() error{}
	for _, f := range families {
		step, err := i.prepare(ctx, p, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		steps[f] = step
	}
	for _, f := range []Family{IPv4, IPv6} {
		var err error
		if step := steps[f]; step != nil {
			err = step()
		} else {
			_, err = i.removeFamily(ctx, f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}

// remove removes our chains, and returns the families that had any.
func (i iptables) remove(ctx context.Context) ([]Family, error) {
	var removed []Family
	for _, f := range []Family{IPv4, IPv6} {
		there, err := i.removeFamily(ctx, f)
		if err != nil {
			return removed, fmt.Errorf("%s: %w", f, err)
		}
		if there {
			removed = append(removed, f)
		}
	}
	return removed, nil
}

// removeFamily removes our chains of the family, and tells whether there were any.
// Without the program there are none, because only the program makes them.
func (i iptables) removeFamily(ctx context.Context, f Family) (there bool, err error) {
	saved, err := i.saved(ctx, f)
	if errors.Is(err, exec.ErrNotFound) {
		return false, nil
	}
	found := readChains(saved)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if rule := found.foreign(); rule != "" {
		return false, fmt.Errorf("a rule that headway did not make leads to its chain: %s", rule)
	}
	restore, err := i.command(ctx, f, "restore")
	if err != nil {
		return false, err
	}
	script := "*nat\n" + found.removal(output) + found.removal(prerouting) + "COMMIT\n"
	_, err = i.run(ctx, script, restore, "--noflush", "--wait", lockSeconds)
	return err == nil, err
}

// installed is our lines in the output of iptables-save.
func (i iptables) installed(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, f := range []Family{IPv4, IPv6} {
		saved, err := i.saved(ctx, f)
		if err != nil && !errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%s: %w", f, err)
		}
		if len(readChains(saved)) == 0 {
			continue
		}
		fmt.Fprintf(&b, "# %s, %s\n*nat\n", i.backend, f)
		for line := range strings.Lines(saved) {
			if strings.Contains(line, "HEADWAY_") {
				b.WriteString(line)
			}
		}
		b.WriteString("COMMIT\n")
	}
	return b.String(), nil
}
