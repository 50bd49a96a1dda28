package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/headway-sidecar/headway/proxy"
)

// twoURLs finds a second URL in a value, behind a sign that separates the two.
var twoURLs = regexp.MustCompile(`(?i)[,;|\s]+https?://?[^/]`)

// twoRoutes finds a second route in an entry of Routes, behind a sign that is no comma.
var twoRoutes = regexp.MustCompile(`(?i)[;|\s]+/[^=\s]*=https?:`)

// placeholder finds the part of a host's name that stands in documentation for the name of
// the user: YOUR-RESOURCE.openai.azure.com.
var placeholder = regexp.MustCompile(`(?i)(^|[.\-_])(your|replace|changeme|placeholder|todo)([.\-_]|$)`)

// readRoutes makes the route table from Routes and Upstream.
func (c *Config) readRoutes(f *findings) {
	seen := map[string]bool{}
	for _, entry := range entries(c.Routes) {
		prefix, target, err := cutRoute(entry)
		if err != nil {
			f.check("ROUTES", err)
			continue
		}
		if seen[prefix] {
			f.check("ROUTES", fmt.Errorf("prefix %q is there twice", proxy.Shown(prefix)))
		}
		seen[prefix] = true
		c.addRoute("ROUTES", prefix, target, f)
	}
	switch {
	case twoURLs.MatchString(strings.TrimSpace(c.Upstream)):
		f.check("UPSTREAM", fmt.Errorf("the value has several URLs, and an upstream is one: write them into %sROUTES=%s", Prefix, exampleOf(Prefix+"ROUTES")))
	case c.Upstream != "":
		c.addRoute("UPSTREAM", "", c.Upstream, f)
	case c.Routes == "" && c.TransparentListen == "":
		f.check("UPSTREAM", errors.New("is not set, and neither is "+Prefix+"ROUTES or "+Prefix+"TRANSPARENT_LISTEN: there is nowhere to forward to"))
	}
}

// entries cuts the value of Routes at its commas. A comma in a password does not count
// (/a=https://user:pa,ss@host): a message would show the part of the password before it.
func entries(value string) []string {
	var out []string
	for part := range strings.SplitSeq(value, ",") {
		user, _, at := strings.Cut(part, "@")
		if at && !strings.Contains(user, "://") { // the end of a password that began earlier
			for len(out) > 0 && !strings.Contains(part, "://") {
				part = out[len(out)-1] + "," + part
				out = out[:len(out)-1]
			}
		}
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// cutRoute cuts an entry of Routes into its prefix and its URL.
func cutRoute(entry string) (prefix, target string, err error) {
	prefix, target, ok := strings.Cut(entry, "=")
	path := strings.HasPrefix(prefix, "/") && !strings.HasPrefix(prefix, "//")
	switch {
	case !ok || prefix == "" || strings.ContainsAny(prefix, ":@") || !path && strings.Contains(prefix, "?"): // a URL, with a = somewhere in it
		return "", "", fmt.Errorf("%q is not /prefix=URL", proxy.Shown(entry))
	case twoRoutes.MatchString(target):
		return "", "", fmt.Errorf("the route of prefix %q has another route in its URL: a comma separates routes", proxy.Shown(prefix))
	case twoURLs.MatchString(target):
		return "", "", fmt.Errorf("the route of prefix %q has several URLs: give each a prefix of its own", proxy.Shown(prefix))
	case strings.TrimSpace(target) == "":
		return "", "", fmt.Errorf("the route of prefix %q has no URL behind the =", proxy.Shown(prefix))
	case prefix == "/":
		return "", "", fmt.Errorf("the prefix / is every path: write the URL into %sUPSTREAM", Prefix)
	}
	return prefix, target, nil
}

// addRoute adds the route from prefix to target to the table, and notes what is odd about it.
func (c *Config) addRoute(key, prefix, target string, f *findings) {
	r, err := proxy.NewRoute(prefix, target)
	f.check(key, err)
	c.RouteTable = append(c.RouteTable, r)
	if placeholder.MatchString(r.Upstream.Host) {
		f.warn(Prefix+key, fmt.Errorf("the host %s looks like a placeholder of documentation: write the real name", r.Upstream.Host))
	}
	if err == nil {
		f.warn(Prefix+key, c.oddPath(prefix, target))
	}
}

// ofRequests matches the end of an upstream's path that belongs to the paths of requests:
// a version, an endpoint, or both.
var ofRequests = regexp.MustCompile(`(/v[0-9][0-9a-z]*)?(/chat/completions|/completions|/responses|/messages|/embeddings|/models)?/*$`)

// ofVersion finds a version in a path.
var ofVersion = regexp.MustCompile(`/v[0-9]`)

// oddPath returns a warning if the path of the upstream at target, or the prefix, takes
// the place of a path that requests have themselves.
func (c *Config) oddPath(prefix, target string) error {
	end := ofRequests.FindStringSubmatch(target)
	version, endpoint := end[1], end[2]
	right := strings.TrimSuffix(target, end[0])
	switch base := baseURL(c.Listen); {
	case prefix == "" && version+endpoint != "":
		return fmt.Errorf("the path %s goes before the path of every request; with OPENAI_BASE_URL=%s/v1 it would be there twice; write %s",
			version+endpoint, base, right)
	case endpoint != "":
		return fmt.Errorf("the path %s goes before the path of every request, which names an endpoint itself; write %s=%s%s",
			version+endpoint, prefix, right, version)
	case ofRequests.FindString(prefix) != "" && !ofVersion.MatchString(target):
		return fmt.Errorf("headway strips the prefix %s, so %s gets requests without it; write %s=%s%s, or %sUPSTREAM=%s",
			prefix, right, prefix, right, prefix, Prefix, right)
	}
	return nil
}

// baseURL is where an application on the same machine reaches the listener at address.
func baseURL(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
