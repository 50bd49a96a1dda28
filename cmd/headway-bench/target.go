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
	// command gives what to start, after it wrote what the proxy needs into dir. It is nil for direct.
	command func(a addresses, dir string) (command, error)
	// tunnel is command for bytes that are no HTTP. It is nil when it does not carry them.
	tunnel  func(a addresses, dir string) (command, error)
	missing error // why it cannot be started
	// version is the command that prints the proxy's version, if it has one.
	version []string
	admin   bool // has headway's admin port
	// redirected says that connections to the upstream are redirected to it in every scenario; in
	// those of tunnels they are for every target.
	redirected bool
	// tracked says that rules which redirect other connections are in force beside it: with any, the
	// kernel tracks all connections, and its work for that is charged to who makes it work.
	tracked bool
}

// addresses are what a proxy is started with. maxStreams is how many streams it must carry at once.
type addresses struct {
	port, upstreamPort, adminPort int
	maxStreams                    int
}

type command struct {
	argv []string
	env  []string
}

// findTargets lists direct and every proxy that is installed and asked for, and says of each other
// why it is left out. unredirected is why connections cannot be redirected, if so.
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
			notes = append(notes, fmt.Sprintf("%s is not there, skipped: %v", t.name, t.missing))
			continue
		}
		found = append(found, t)
	}
	return found, notes, nil
}

// release is the first line that the target's version command prints, or nothing.
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

// findInstalled also looks where Debian puts servers, which is not on every user's path.
func findInstalled(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

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
	return target{name: "nginx", missing: err, version: []string{path, "-v"}, command: func(a addresses, dir string) (command, error) {
		config := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(config, []byte(nginxConfig(a, dir)), 0o600); err != nil {
			return command{}, err
		}
		return command{argv: []string{path, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log")}}, nil
	}}
}

func haproxyTarget() target {
	path, err := findInstalled("haproxy")
	with := func(text func(addresses) string) func(a addresses, dir string) (command, error) {
		return func(a addresses, dir string) (command, error) {
			config := filepath.Join(dir, "haproxy.cfg")
			if err := os.WriteFile(config, []byte(text(a)), 0o600); err != nil {
				return command{}, err
			}
			return command{argv: []string{path, "-db", "-q", "-f", config}}, nil
		}
	}
	return target{name: "haproxy", missing: err, version: []string{path, "-v"}, command: with(haproxyConfig), tunnel: with(haproxyTunnel)}
}

func headwayTarget(path string) target {
	path, err := findHeadway(path)
	return target{name: "headway", missing: err, version: []string{path, "version"}, admin: true, command: func(a addresses, _ string) (command, error) {
		return command{
			argv: []string{path, "run"},
			env: []string{
				"HEADWAY_LISTEN=" + loopback(a.port),
				"HEADWAY_UPSTREAM=http://" + loopback(a.upstreamPort),
				"HEADWAY_ADMIN_LISTEN=" + loopback(a.adminPort),
				"HEADWAY_LOG_LEVEL=warn",
			},
		}, nil
	}}
}

// trackedTarget is headway in explicit mode, beside rules that redirect nothing of its own.
func trackedTarget(path string, unredirected error) target {
	t := headwayTarget(path)
	t.name, t.tracked = "headway-tracked", true
	if t.missing == nil {
		t.missing = unredirected
	}
	return t
}

// transparentTarget is headway that is given connections to the upstream by redirect rules.
func transparentTarget(path string, unredirected error) target {
	path, err := findHeadway(path)
	if err == nil {
		err = unredirected
	}
	start := func(a addresses, _ string) (command, error) {
		return command{
			argv: []string{path, "run"},
			env: []string{
				"HEADWAY_LISTEN=" + loopback(0),
				"HEADWAY_TRANSPARENT_LISTEN=" + loopback(a.port),
				"HEADWAY_ADMIN_LISTEN=" + loopback(a.adminPort),
				"HEADWAY_LOG_LEVEL=warn",
			},
		}, nil
	}
	return target{name: "headway-transparent", missing: err, admin: true, redirected: true, command: start, tunnel: start}
}

func peerTarget(p peer) target {
	return target{name: p.name, command: func(a addresses, _ string) (command, error) {
		fill := strings.NewReplacer("{listen}", loopback(a.port), "{upstream}", loopback(a.upstreamPort))
		argv := make([]string, len(p.command))
		for i, word := range p.command {
			argv[i] = fill.Replace(word)
		}
		return command{argv: argv}, nil
	}}
}

// descriptors that a proxy needs: two for each stream and some for itself.
func descriptors(streams int) int { return 2*streams + 1000 }

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
