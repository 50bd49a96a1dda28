package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// target is one way from the load generator to the upstream.
type target struct {
	name string
	// command writes the files that the proxy needs into dir, and returns the command that starts the
	// proxy. It is nil for direct.
	command starter
	// tunnel is the same for a proxy that must carry bytes that are no HTTP. It is nil for one that
	// cannot.
	tunnel starter
	// upstreamTLS says that command can make a proxy that speaks TLS to the upstream.
	upstreamTLS bool
	missing     error // why the proxy cannot start
	// version is the command that prints the proxy's version; empty when there is none.
	version []string
	admin   bool   // the proxy has headway's admin port
	prefix  string // goes before the path of every request
	// captures says that command can make a proxy that records exchanges in a file.
	captures bool
	// redirected says that the packet filter redirects connections to the upstream to this proxy in
	// every scenario. In the scenarios of tunnels it does so for every proxy.
	redirected bool
	// tracked says that rules of the packet filter are in force that redirect other connections. With
	// any rule the kernel tracks all connections, and charges that work to the process that causes it.
	tracked bool
}

// starter prepares a proxy in dir and returns its command.
type starter func(a addresses, dir string) (command, error)

// addresses are the ports of a proxy, and the number of streams that it must carry at once.
type addresses struct {
	port, upstreamPort, adminPort int
	maxStreams                    int
	// authority is the path of a PEM file with the certificate of an upstream that speaks TLS. It is empty
	// for one that does not.
	authority string
	capture   string // file for what the proxy records; empty for none
}

type command struct {
	argv []string
	env  []string
}

// findTargets returns the targets that o asks for and that are installed. notes say why the others are
// missing. unredirected says why the packet filter cannot redirect connections; nil when it can.
func findTargets(o options, unredirected error) (found []target, notes []string, err error) {
	known := []string{"direct", "nginx", "haproxy", "headway", "headway-tracked", "headway-transparent"}
	for _, p := range o.peers {
		known = append(known, p.name)
	}
	for _, name := range o.targets {
		if !slices.Contains(known, name) {
			return nil, nil, fmt.Errorf("-targets: %q is none of %s", name, strings.Join(known, ", "))
		}
	}
	candidates := []target{{name: "direct"}, nginxTarget(), haproxyTarget(), headwayTarget(o.headway), trackedTarget(o.headway, unredirected), transparentTarget(o.headway, unredirected)}
	for _, p := range o.peers {
		candidates = append(candidates, peerTarget(p))
	}
	for _, t := range candidates {
		if !o.wants(t.name) {
			continue
		}
		if t.missing != nil {
			if t.name == "headway" && o.headway != "" {
				return nil, nil, fmt.Errorf("-headway: %w", t.missing)
			}
			notes = append(notes, fmt.Sprintf("%s is skipped: %v", t.name, t.missing))
			continue
		}
		found = append(found, t)
	}
	return found, notes, nil
}

// release returns the first line that the target's version command prints, or nothing.
func (t target) release() string {
	if len(t.version) == 0 {
		return ""
	}
	text, err := exec.Command(t.version[0], t.version[1:]...).CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line, _, _ = strings.Cut(line, " - ") // HAProxy adds its address
	return strings.TrimSpace(line)
}

// findInstalled looks for a command on the path, and in Debian's directory for servers, which is not on
// every user's path.
func findInstalled(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// findHeadway looks for the headway binary: at path or, when path is empty, beside this program and then
// on the path of the shell.
func findHeadway(path string) (string, error) {
	if path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", err
		}
		return filepath.Abs(found)
	}
	if self, err := os.Executable(); err == nil {
		if found, err := exec.LookPath(filepath.Join(filepath.Dir(self), "headway")); err == nil {
			return found, nil
		}
	}
	return exec.LookPath("headway")
}

func nginxTarget() target {
	path, err := findInstalled("nginx")
	return target{name: "nginx", missing: err, upstreamTLS: true, version: []string{path, "-v"}, command: func(a addresses, dir string) (command, error) {
		config := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(config, []byte(nginxConfig(a, dir)), 0o600); err != nil {
			return command{}, err
		}
		return command{argv: []string{path, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log")}}, nil
	}}
}

func haproxyTarget() target {
	path, err := findInstalled("haproxy")
	with := func(text func(addresses) string) starter {
		return func(a addresses, dir string) (command, error) {
			config := filepath.Join(dir, "haproxy.cfg")
			if err := os.WriteFile(config, []byte(text(a)), 0o600); err != nil {
				return command{}, err
			}
			return command{argv: []string{path, "-db", "-q", "-f", config}}, nil
		}
	}
	return target{name: "haproxy", missing: err, upstreamTLS: true, version: []string{path, "-v"}, command: with(haproxyConfig), tunnel: with(haproxyTunnel)}
}

func headwayTarget(path string) target {
	path, err := findHeadway(path)
	return target{name: "headway", missing: err, version: []string{path, "version"}, admin: true, captures: true, upstreamTLS: true, command: func(a addresses, _ string) (command, error) {
		variables := []string{"HEADWAY_LISTEN=" + loopback(a.port), "HEADWAY_UPSTREAM=http://" + loopback(a.upstreamPort)}
		if a.authority != "" {
			variables[1] = "HEADWAY_UPSTREAM=https://" + loopback(a.upstreamPort)
			variables = append(variables, "SSL_CERT_FILE="+a.authority)
		}
		return headwayCommand(path, a, variables...), nil
	}}
}

// headwayCommand starts headway with its admin port and these variables.
func headwayCommand(path string, a addresses, variables ...string) command {
	if a.capture != "" {
		variables = append(variables, "HEADWAY_CAPTURE_FILE="+a.capture)
	}
	return command{
		argv: []string{path, "run"},
		env:  append(variables, "HEADWAY_ADMIN_LISTEN="+loopback(a.adminPort), "HEADWAY_LOG_LEVEL=warn"),
	}
}

// trackedTarget is headway in explicit mode, beside rules that redirect none of its connections.
func trackedTarget(path string, unredirected error) target {
	t := headwayTarget(path)
	t.name, t.tracked, t.captures = "headway-tracked", true, false
	if t.missing == nil {
		t.missing = unredirected
	}
	return t
}

// transparentTarget is headway in transparent mode: rules redirect connections to the upstream to it.
func transparentTarget(path string, unredirected error) target {
	path, err := findHeadway(path)
	if err == nil {
		err = unredirected
	}
	start := func(a addresses, _ string) (command, error) {
		return headwayCommand(path, a, "HEADWAY_LISTEN="+loopback(0), "HEADWAY_TRANSPARENT_LISTEN="+loopback(a.port)), nil
	}
	return target{name: "headway-transparent", missing: err, admin: true, redirected: true, command: start, tunnel: start}
}

func peerTarget(p peer) target {
	return target{name: p.name, prefix: p.prefix, command: func(a addresses, _ string) (command, error) {
		fill := strings.NewReplacer("{listen}", loopback(a.port), "{upstream}", loopback(a.upstreamPort))
		argv := make([]string, len(p.command))
		for i, word := range p.command {
			argv[i] = fill.Replace(word)
		}
		return command{argv: argv}, nil
	}}
}

// descriptors returns the number of files that a proxy needs: two for each stream, which may be seven eighths
// of all, and some for itself. headway keeps an eighth for unused connections to the upstream. nginx closes
// connections without a request while a sixteenth or less of its connections is left.
func descriptors(streams int) int { return streams*16/7 + ownDescriptors }

// streamsWithin returns the number of streams for which so many files suffice.
func streamsWithin(files int) int { return max((files-ownDescriptors)*7/16, 0) }

// ownDescriptors is the number of files for a proxy itself.
const ownDescriptors = 1000

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
