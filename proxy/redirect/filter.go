package redirect

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Backend is a way to change the rules of the packet filter.
type Backend string

// The backends. Nftables needs no program: the package speaks netlink to it. The others
// are the programs of iptables in their two variants. Auto stands for the one that
// Choose returns.
const (
	Auto           Backend = "auto"
	Nftables       Backend = "nft"
	NFTIPTables    Backend = "iptables"
	LegacyIPTables Backend = "iptables-legacy"
)

// Backends lists all backends, Auto first.
func Backends() []Backend { return []Backend{Auto, Nftables, NFTIPTables, LegacyIPTables} }

// errPermission explains a refusal of the kernel.
var errPermission = errors.New("the packet filter is out of reach: the capability NET_ADMIN is missing, or the process is not root in its container")

// errPermissionLegacy is errPermission of iptables-legacy.
var errPermissionLegacy = errors.New("the packet filter is out of reach: iptables-legacy needs the capability NET_RAW beside NET_ADMIN, root in its container, and the legacy nat table in the kernel")

// errNoNftables says that the kernel cannot have rules in nftables.
var errNoNftables = errors.New("this kernel has no nftables")

// Filter is the packet filter in the network namespace of the calling thread. No other
// program should change its rules at the same time.
type Filter struct {
	// Run runs a program of iptables with in as its standard input and returns its output.
	// Its error is exec.ErrNotFound when there is no such program. Nil runs the programs of
	// this machine.
	Run func(ctx context.Context, in, name string, args ...string) (string, error)
}

// Result says what Install or Remove has done.
type Result struct {
	Backend  Backend
	Why      string // the reason for the backend, when Auto chose it; else empty
	Families []Family
	Notices  []string // sentences for the user
}

// Show returns the input that makes the backend install the plan's rules: a script for
// nft -f, or one for iptables-restore --noflush and one for ip6tables-restore. It changes
// nothing.
func Show(p Plan, b Backend) string {
	if b == Nftables || b == Auto {
		return nftScript(p, p.Families.list())
	}
	var text strings.Builder
	for _, f := range p.Families.list() {
		program := "iptables-restore"
		if f == IPv6 {
			program = "ip6tables-restore"
		}
		fmt.Fprintf(&text, "# %s --noflush\n%s", program, iptablesScript(p, f, nil))
	}
	return text.String()
}

// Install makes the plan's rules in place of those that headway made before, with any
// backend. With nftables it needs one transaction, with iptables one for each family.
// Check must have found no problem in the plan.
func (f Filter) Install(ctx context.Context, p Plan, b Backend) (Result, error) {
	r := Result{Backend: b, Families: p.Families.list()}
	if b == Auto {
		var err error
		if r.Backend, r.Why, err = f.Choose(ctx); err != nil {
			return r, err
		}
	}
	err := f.install(ctx, r.Backend, p, r.Families)
	if err != nil && !errors.Is(err, errPermission) && p.Families.optional(IPv6) {
		whole := err
		r.Families = []Family{IPv4}
		if err = f.install(ctx, r.Backend, p, r.Families); err == nil {
			r.Notices = append(r.Notices, fmt.Sprintf("IPv6 is not redirected, because this kernel or iptables cannot: %v", whole))
		}
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", r.Backend, err)
	}
	r.Notices = append(r.Notices, f.removeOthers(ctx, r.Backend)...)
	return r, nil
}

// removeOthers removes the rules that headway made with other backends than used. It
// returns sentences for the user.
func (f Filter) removeOthers(ctx context.Context, used Backend) (notices []string) {
	for _, other := range Backends()[1:] {
		if other == used {
			continue
		}
		removed, err := f.remove(ctx, other)
		switch {
		case err != nil:
			notices = append(notices, fmt.Sprintf("rules of %s could not be looked at: %v", other, err))
		case len(removed) > 0:
			notices = append(notices, fmt.Sprintf("the rules that headway had made with %s were taken away", other))
		}
	}
	return notices
}

// Choose returns the backend that Install uses for Auto, and the reason. It changes
// nothing.
func (f Filter) Choose(ctx context.Context) (Backend, string, error) {
	legacy := iptables{LegacyIPTables, f.runner()}
	for _, family := range []Family{IPv4, IPv6} {
		saved, err := legacy.saved(ctx, family)
		if err == nil && strings.Contains("\n"+saved, "\n-A ") {
			return LegacyIPTables, "its nat table holds rules here, and rules of two kinds are hard to follow", nil
		}
	}
	_, err := netlinkInstalled()
	if err == nil {
		return Nftables, "the kernel has it", nil
	}
	if err = explained(Nftables, err); errors.Is(err, errPermission) {
		return "", "", err
	}
	if _, missing := legacy.command(ctx, IPv4, "restore"); missing != nil {
		return "", "", fmt.Errorf("nft: %w; iptables-legacy: %w", err, missing)
	}
	return LegacyIPTables, err.Error(), nil
}

// Remove removes the rules that headway made: with Auto those of every backend, else
// those of one. Without rules it does nothing. It returns a Result for each backend that
// had rules, or that has a notice for the user. With Auto, a notice takes the place of the
// error when only the listing of iptables fails and the kernel has nftables.
func (f Filter) Remove(ctx context.Context, b Backend) ([]Result, error) {
	var results []Result
	var wrong []error
	for _, one := range Backends()[1:] {
		if b != Auto && b != one {
			continue
		}
		removed, err := f.remove(ctx, one)
		if len(removed) > 0 {
			results = append(results, Result{Backend: one, Families: removed})
		}
		switch {
		case err != nil && b == Auto && errors.Is(err, errUnseen) && !noNftables():
			results = append(results, Result{Backend: one, Notices: []string{fmt.Sprintf("rules of %s could not be looked at: %v", one, err)}})
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", one, err))
		}
		if errors.Is(err, errPermission) {
			break // the others would fail likewise
		}
	}
	return results, errors.Join(wrong...)
}

// Installed lists the rules that headway made, in the form of each backend. A comment
// takes the place of rules that iptables cannot list while the kernel has nftables.
func (f Filter) Installed(ctx context.Context) (string, error) {
	var text strings.Builder
	for _, b := range Backends()[1:] {
		listed, err := f.installed(ctx, b)
		if errors.Is(err, errUnseen) && !noNftables() {
			listed, err = fmt.Sprintf("# %s: %v\n", b, err), nil
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", b, err)
		}
		text.WriteString(listed)
	}
	return text.String(), nil
}

func (f Filter) installed(ctx context.Context, b Backend) (listed string, err error) {
	switch {
	case b != LegacyIPTables && noNftables():
		return "", nil
	case b == Nftables:
		listed, err = netlinkInstalled()
	default:
		listed, err = iptables{b, f.runner()}.installed(ctx)
	}
	return listed, explained(b, err)
}

func (f Filter) install(ctx context.Context, b Backend, p Plan, families []Family) error {
	if b == Nftables {
		return explained(b, netlinkInstall(p, families))
	}
	return explained(b, iptables{b, f.runner()}.install(ctx, p, families))
}

func (f Filter) remove(ctx context.Context, b Backend) ([]Family, error) {
	if b != LegacyIPTables && noNftables() {
		return nil, nil
	}
	if b == Nftables {
		removed, err := netlinkRemove()
		return removed, explained(b, err)
	}
	removed, err := iptables{b, f.runner()}.remove(ctx)
	return removed, explained(b, err)
}

// noNftables tells whether the kernel lacks nftables, so that neither nft nor its variant
// of iptables has any rules.
func noNftables() bool {
	_, err := netlinkInstalled()
	return errors.Is(err, errNoNftables)
}

func (f Filter) runner() func(ctx context.Context, in, name string, args ...string) (string, error) {
	if f.Run != nil {
		return f.Run
	}
	return run
}

// run runs a program and returns its output. Its error holds the program's complaint.
func run(ctx context.Context, in, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Stdin = strings.NewReader(in)
	out, err := command.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%s: %w: %s", name, err, strings.Join(strings.Fields(string(failed.Stderr)), " "))
	}
	return string(out), err
}

// explained adds to a refusal the rights that were missing.
func explained(b Backend, err error) error {
	if err == nil || errors.Is(err, errPermission) || errors.Is(err, errPermissionLegacy) {
		return err
	}
	// A program says why it failed in its output only.
	for _, sign := range []string{"operation not permitted", "permission denied", "you must be root", "unable to initialize table"} {
		if !strings.Contains(strings.ToLower(err.Error()), sign) {
			continue
		}
		if b == LegacyIPTables {
			return fmt.Errorf("%w (%w)", errPermissionLegacy, err)
		}
		return fmt.Errorf("%w (%w)", errPermission, err)
	}
	return err
}
