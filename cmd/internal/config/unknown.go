package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// Unknown lists the variables of environ that are meant for headway and that headway
// does not know: those that begin with Prefix; those that differ from a variable of headway
// only in case, underscores or dashes (headway_upstream, HEADWAYUPSTREAM); and those with a
// slip in the prefix alone (HEDWAY_UPSTREAM). It leaves out the variables that Kubernetes
// sets for a Service called headway or headway-something.
func Unknown(environ []string) []string {
	known, plain := map[string]bool{}, map[string]bool{}
	for _, v := range Variables() {
		known[v.Name], plain[squeezed(v.Name)] = true, true
	}
	var unknown []string
	for _, kv := range environ {
		key, value, _ := strings.Cut(kv, "=")
		meant := strings.HasPrefix(key, Prefix) || plain[squeezed(key)] || plain[squeezed(Prefix+afterPrefix(key))]
		if meant && !known[key] && !OfKubernetes(key, value) {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

// separators takes underscores and dashes out of a name.
var separators = strings.NewReplacer("_", "", "-", "")

// squeezed is name in upper case and without underscores and dashes.
func squeezed(name string) string { return strings.ToUpper(separators.Replace(name)) }

// afterPrefix is name without a first part that is the prefix or nearly so. It is empty if
// name begins with another part.
func afterPrefix(name string) string {
	first, rest, _ := strings.Cut(name, "_")
	if len(spelling.Nearest(first, []string{strings.TrimSuffix(Prefix, "_")})) == 0 {
		return ""
	}
	return rest
}

// UnknownVariable is the error that headway does not know the variable with that name. It
// names the variable that the user likely meant, and not name itself.
func UnknownVariable(name string) error {
	var known []string
	for _, v := range Variables() {
		known = append(known, strings.TrimPrefix(v.Name, Prefix))
	}
	short := strings.ToUpper(cmp.Or(afterPrefix(name), name))
	short = strings.TrimPrefix(short, strings.TrimSuffix(Prefix, "_"))
	if strings.HasPrefix(strings.Trim(short, "_"), "ADMIN_") && strings.HasSuffix(short, "_PORT") { // the port is part of the address
		short = strings.TrimSuffix(short, "PORT") + "LISTEN"
	}
	near := spelling.Nearest(strings.Trim(short, "_"), known)
	if len(near) == 0 {
		return fmt.Errorf("headway has no such variable: headway run -h lists them. %sALLOW_UNKNOWN=true lets variables of a newer version pass", Prefix)
	}
	return fmt.Errorf("headway has no such variable; did you mean %s%s?", Prefix, strings.Join(near, " or "+Prefix))
}

// checkUnknown notes the variables that headway does not know: as problems, or as
// warnings if AllowUnknown is set.
func (c *Config) checkUnknown(environ []string, f *findings) {
	say := f.checkOnce
	if c.AllowUnknown {
		say = f.warn
	}
	for _, name := range Unknown(environ) {
		say(name, UnknownVariable(name))
	}
}

// serviceLinks are the names and values of the variables that the kubelet sets for each
// Service of a namespace, in every container that starts after the Service (Kubernetes
// documentation: "Discovering services", environment variables). They begin with the
// Service's name in upper case: HEADWAY_PORT_8480_TCP_ADDR for headway, and
// HEADWAY_CHAT_PORT_8480_TCP_ADDR for headway-chat.
var serviceLinks = []struct {
	name  *regexp.Regexp
	value func(string) bool
}{
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?SERVICE_HOST$`), isAddress},
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?SERVICE_PORT(_[A-Z0-9_]+)?$`), isPort},
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?PORT(_[0-9]+_(TCP|UDP|SCTP))?$`), isLink},
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?PORT_[0-9]+_(TCP|UDP|SCTP)_PROTO$`), isProtocol},
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?PORT_[0-9]+_(TCP|UDP|SCTP)_PORT$`), isPort},
	{regexp.MustCompile(`^HEADWAY_([A-Z0-9_]+_)?PORT_[0-9]+_(TCP|UDP|SCTP)_ADDR$`), isAddress},
}

// OfKubernetes says whether Kubernetes sets such a variable, in a namespace with a Service
// called headway or headway-something. The value counts too:
// HEADWAY_PORT=8480 is a user's mistake, HEADWAY_PORT=tcp://10.0.0.1:8480 is a link.
func OfKubernetes(name, value string) bool {
	for _, link := range serviceLinks {
		if link.name.MatchString(name) && link.value(value) {
			return true
		}
	}
	return false
}

func isAddress(value string) bool {
	_, err := netip.ParseAddr(value)
	return err == nil
}

func isPort(value string) bool {
	n, err := strconv.ParseUint(value, 10, 16)
	return err == nil && n > 0
}

func isProtocol(value string) bool { return value == "tcp" || value == "udp" || value == "sctp" }

func isLink(value string) bool {
	protocol, address, ok := strings.Cut(value, "://")
	_, err := netip.ParseAddrPort(address)
	return ok && isProtocol(protocol) && err == nil
}
