package redirect

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Backend is a packet filter's way of taking rules.
type Backend string

// The backends. Nftables is spoken to over netlink and needs no program; the others
// are the programs of iptables in their two variants. Auto is the one that fits.
const (
	Auto           Backend = "auto"
	Nftables       Backend = "nft"
	NFTIPTables    Backend = "iptables"
	LegacyIPTables Backend = "iptables-legacy"
)

// Backends are those that can be chosen.
func Backends() []Backend { return []Backend{Auto, Nftables, NFTIPTables, LegacyIPTables} }

// errPermission says what a refusal of the kernel comes from.
var errPermission = errors.New("the packet filter is out of reach: the capability NET_ADMIN is missing, or the process is not root in its container")

// errPermissionLegacy is errPermission of iptables-legacy.
var errPermissionLegacy = errors.New("the packet filter is out of reach: iptables-legacy needs the capability NET_RAW beside NET_ADMIN, root in its container, and the legacy nat table in the kernel")

// errNoNftables says that there cannot be rules in nftables.
var errNoNftables = errors.New("this kernel has no nftables")

// Filter is the packet filter of the network namespace that the calling thread is in.
// Nothing else should change its rules at the same time.
type Filter struct {
	// Run runs a program of iptables with in as its standard input and returns what it
	// printed. Its error is exec.ErrNotFound when there is no such program. Nil runs
	// programs.
	Run func(ctx context.Context, in, name string, args ...string) (string, error)
}

// Result is what was done to a packet filter.
type Result struct {
	Backend  Backend
	Why      string // the reason for the backend, when it was not given
	Families []Family
	Notices  []string // what the user should know, a sentence each
}

// Show is what the backend is given to make the plan's rules: a script for nft -f, or
// one for iptables-restore --noflush and one for ip6tables-restore. Nothing is touched.
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

// Install makes the plan's rules in place of those that headway made before, in
// whichever backend that was. With nftables it is one transaction, with iptables one
// for each family. The plan is one that Check has nothing against.
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
	for _, other := range Backends()[1:] {
		if other == r.Backend {
			continue
		}
		removed, err := f.remove(ctx, other)
		switch {
		case err != nil:
			r.Notices = append(r.Notices, fmt.Sprintf("rules of %s could not be looked at: %v", other, err))
		case len(removed) > 0:
			r.Notices = append(r.Notices, fmt.Sprintf("the rules that headway had made with %s were taken away", other))
		}
	}
	return r, nil
}

// Choose says which backend Install takes for Auto, and why. It changes nothing.
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

// Remove takes away what headway made: all of it for Auto, else that of one backend.
// Where there is nothing, it has nothing to do. It returns a Result for each backend
// that had rules, or a notice for the user: Auto goes without a look into iptables
// where that takes more rights than nftables, which could be looked into.
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
			break // for the others too
		}
	}
	return results, errors.Join(wrong...)
}

// Installed is the rules that headway made, as each backend lists them, with a comment
// in place of those that take more rights to look at than nftables.
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

// noNftables says that neither nft nor its variant of iptables can have any rules.
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

// run runs a program. What it complains of is the error.
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

// explained says of a refusal what it comes from.
func explained(b Backend, err error) error {
	if err == nil || errors.Is(err, errPermission) || errors.Is(err, errPermissionLegacy) {
		return err
	}
	// What programs say is all there is of their failure.
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
