package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/redirect"
)

const redirectUsage = `usage: headway redirect install|remove|show [flags]

The packet-filter rules that lead connections to the transparent listener.
install makes them, in place of those that headway made before; remove takes
exactly those away; show prints them and touches nothing. install and remove need
the capability NET_ADMIN. docs/redirect.md has the details.`

func redirectActions() []string { return []string{"install", "remove", "show"} }

// redirectOptions are the parsed arguments of redirect.
type redirectOptions struct {
	action    string
	plan      redirect.Plan
	backend   redirect.Backend
	installed bool // show the installed rules, not those that install would make
}

// runRedirect is `headway redirect`.
func runRedirect(ctx context.Context, args []string, out, errs io.Writer) error {
	o, err := parseRedirect(args, out)
	if err != nil {
		return err
	}
	filter := redirect.Filter{}
	switch {
	case o.action == "install":
		return installRedirect(ctx, filter, o, out, errs)
	case o.action == "remove":
		return removeRedirect(ctx, filter, o, out, errs)
	case o.installed:
		return showInstalled(ctx, filter, out, errs)
	}
	return showRedirect(ctx, filter, o, out, errs)
}

// parseRedirect reads the command line. The error has every problem at once.
func parseRedirect(args []string, out io.Writer) (redirectOptions, error) {
	var o redirectOptions
	if len(args) > 0 {
		o.action = args[0]
	}
	switch o.action {
	case "-h", "--help", "-help":
		return o, parse(newFlags("redirect"), args, redirectUsage+"\n\nheadway redirect install -h lists the flags.", out)
	case "":
		return o, usageError{errors.New("install, remove or show?")}
	}
	if err := config.OneOf(o.action, redirectActions()...); err != nil {
		return o, usageError{err}
	}
	f := newFlags("redirect " + o.action)
	settle := redirectFlags(f, &o)
	if err := parse(f, args[1:], redirectUsage, out); err != nil {
		return o, err
	}
	if err := settle(); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// redirectFlags adds the flags of o's action to f. The function that it returns reads
// their values into o, once f is parsed.
func redirectFlags(f *flag.FlagSet, o *redirectOptions) (settle func() error) {
	backend := f.String("backend", "auto", "`way` to the packet filter: auto, nft, iptables or iptables-legacy; with auto, remove looks at all of them")
	if o.action == "remove" {
		return func() error {
			o.backend = redirect.Backend(*backend)
			return named("backend", config.OneOf(o.backend, redirect.Backends()...))
		}
	}
	if o.action == "show" {
		f.BoolVar(&o.installed, "installed", false, "the rules that are there now, instead of those that install would make")
	}
	return planFlags(f, o, backend)
}

// planFlags adds the flags that make a plan. Where a value cannot be read, the default
// stays, so that settle can check all other flags too.
func planFlags(f *flag.FlagSet, o *redirectOptions, backend *string) (settle func() error) {
	p := redirect.Default()
	to := f.String("to", strconv.Itoa(int(p.To)), "`port` of the transparent listener, the one in HEADWAY_TRANSPARENT_LISTEN")
	outbound := f.String("outbound-port", p.Outbound.String(), "redirect connections to these `ports` elsewhere: all, none, or as in 80,443,8000-8100")
	inbound := f.String("inbound-port", p.Inbound.String(), "redirect connections from elsewhere to these `ports` here")
	loopback := f.String("loopback-port", p.Loopback.String(), "redirect connections from here to these `ports` here")
	uids := f.String("exclude-uid", joined(p.ExcludeUIDs), "leave connections of these `uids` alone; headway's uid has to be one of them")
	mark := f.String("exclude-mark", "0", "leave connections with this `mark` (SO_MARK) alone")
	ports := f.String("exclude-port", p.ExcludePorts.String(), "leave these `ports` alone, outbound and inbound: by default those of DNS and headway's own")
	cidrs := f.String("exclude-cidr", joined(p.ExcludeCIDRs), "leave these `addresses` elsewhere alone: by default those of the link")
	families := f.String("family", string(p.Families), "`version` of IP: auto, both, ipv4 or ipv6; auto is both where the kernel can")
	return func() error {
		p.Families, o.backend = redirect.Families(*families), redirect.Backend(*backend)
		err := errors.Join(
			named("backend", config.OneOf(o.backend, redirect.Backends()...)),
			readValue("to", *to, parsePort, &p.To),
			readValue("outbound-port", *outbound, redirect.ParsePorts, &p.Outbound),
			readValue("inbound-port", *inbound, redirect.ParsePorts, &p.Inbound),
			readValue("loopback-port", *loopback, redirect.ParsePorts, &p.Loopback),
			readValue("exclude-uid", *uids, listOf(parseUID), &p.ExcludeUIDs),
			readValue("exclude-mark", *mark, parseMark, &p.ExcludeMark),
			readValue("exclude-port", *ports, redirect.ParsePorts, &p.ExcludePorts),
			readValue("exclude-cidr", *cidrs, listOf(parsePrefix), &p.ExcludeCIDRs),
			p.Check(),
		)
		o.plan = p
		return err
	}
}

// named returns err with the name of its flag before it; nil stays nil.
func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("--%s: %w", name, err)
}

// readValue parses the value of a flag into *into. The error begins with the flag.
func readValue[T any](name, text string, parse func(string) (T, error), into *T) error {
	v, err := parse(text)
	if err == nil {
		*into = v
	}
	return named(name, err)
}

// listOf returns a parser of a list with commas between its elements. The list may be
// empty.
func listOf[T any](parse func(string) (T, error)) func(string) ([]T, error) {
	return func(text string) ([]T, error) {
		var all []T
		var wrong []string
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			v, err := parse(part)
			if err != nil {
				wrong = append(wrong, err.Error())
			}
			all = append(all, v)
		}
		if len(wrong) > 0 {
			return nil, errors.New(strings.Join(wrong, "; "))
		}
		return all, nil
	}
}

// joined writes a list as listOf reads it.
func joined[T any](all []T) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ",")
}

func parsePort(text string) (uint16, error) {
	v, err := strconv.ParseUint(text, 10, 16)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("%q is no port", text)
	}
	return uint16(v), nil
}

func parseUID(text string) (uint32, error) {
	v, err := strconv.ParseUint(text, 10, 32)
	if err != nil || v == 1<<32-1 { // the kernel uses the highest number for "no user"
		return 0, fmt.Errorf("%q is no uid", text)
	}
	return uint32(v), nil
}

func parseMark(text string) (uint32, error) {
	v, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no number of 32 bits", text)
	}
	return uint32(v), nil
}

// parsePrefix reads a range of addresses, or a single address.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no range of addresses", text)
	}
	return p, nil
}

func installRedirect(ctx context.Context, filter redirect.Filter, o redirectOptions, out, errs io.Writer) error {
	r, err := filter.Install(ctx, o.plan, o.backend)
	if err != nil {
		return fmt.Errorf("installing: %w", err)
	}
	why := ""
	if r.Why != "" {
		why = " (" + r.Why + ")"
	}
	fmt.Fprintf(out, "installed with %s%s: %s to port %d\n", r.Backend, why, families(r), o.plan.To)
	notify(r, errs)
	return nil
}

func removeRedirect(ctx context.Context, filter redirect.Filter, o redirectOptions, out, errs io.Writer) error {
	results, err := filter.Remove(ctx, o.backend)
	removed := 0
	for _, r := range results {
		if len(r.Families) > 0 {
			removed++
			fmt.Fprintf(out, "removed from %s: %s\n", r.Backend, families(r))
		}
		notify(r, errs)
	}
	if err != nil {
		return fmt.Errorf("removing: %w", err)
	}
	if removed == 0 {
		fmt.Fprintln(out, "there was nothing to remove")
	}
	return nil
}

func families(r redirect.Result) string { return strings.ReplaceAll(joined(r.Families), ",", " and ") }

func notify(r redirect.Result, errs io.Writer) {
	for _, notice := range r.Notices {
		fmt.Fprintf(errs, "headway redirect: %s\n", notice)
	}
}

func showInstalled(ctx context.Context, filter redirect.Filter, out, errs io.Writer) error {
	text, err := filter.Installed(ctx)
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	if text == "" {
		fmt.Fprintln(errs, "headway redirect: nothing is installed")
	}
	_, err = io.WriteString(out, text)
	return err
}

// showRedirect prints the rules that install would make. If headway has no right to
// read the packet filter, showRedirect assumes nftables.
func showRedirect(ctx context.Context, filter redirect.Filter, o redirectOptions, out, errs io.Writer) error {
	if o.backend == redirect.Auto {
		chosen, why, err := filter.Choose(ctx)
		if err != nil {
			chosen, why = redirect.Nftables, err.Error()
		}
		fmt.Fprintf(errs, "headway redirect: for %s: %s\n", chosen, why)
		o.backend = chosen
	}
	_, err := io.WriteString(out, redirect.Show(o.plan, o.backend))
	return err
}
