package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// checkWritten returns an error if text, which should be the URL of an upstream, cannot be
// one as it is written. The error shows no part that may be secret.
func checkWritten(text string) error {
	shown := Shown(text)
	switch {
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("%q has a blank before it or behind it: leave the blank out", shown)
	case strings.Trim(text, "\"'`") != text:
		return fmt.Errorf("%q has quotes in the value: leave them out", shown)
	}
	scheme, rest, ok := strings.Cut(shown, "://")
	lower := strings.ToLower(scheme)
	switch {
	case !ok:
		return withoutScheme(shown)
	case strings.ContainsAny(scheme, "/."):
		return withoutScheme(shown) // the other scheme is part of the path
	case lower != "http" && lower != "https":
		return fmt.Errorf("%q must start with http:// or https://", shown)
	}
	authority, path, _ := strings.Cut(rest, "/")
	if again := strings.ToLower(strings.TrimSuffix(authority, ":")); again == "http" || again == "https" {
		return fmt.Errorf("%q has two schemes: did you mean %s://%s?", shown, again, strings.TrimLeft(path, "/"))
	}
	if authority == "" && strings.Trim(path, "/") != "" {
		return fmt.Errorf("%q names no host: did you mean %s://%s?", shown, lower, strings.TrimLeft(path, "/"))
	}
	if strings.Count(authority, ":") > 1 && !strings.HasPrefix(authority, "[") {
		return fmt.Errorf("%q has several colons in its host: an address of IPv6 stands in brackets, as in http://[::1]:8000", shown)
	}
	if host := hostOf(authority); host != "" && strings.HasPrefix(text, shown) { // otherwise shown may begin inside the path
		if err := CheckHost(host); err != nil {
			return fmt.Errorf("%q: %w", shown, err)
		}
	}
	return nil
}

// withoutScheme is the error of a URL that does not begin with a scheme and ://. It names
// the URL that the user likely meant.
func withoutScheme(shown string) error {
	for _, scheme := range []string{"https", "http"} {
		rest, ok := strings.CutPrefix(strings.ToLower(shown), scheme)
		if !ok || !strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, "/") {
			continue
		}
		rest = strings.TrimLeft(shown[len(scheme):], ":/")
		if CheckHost(hostOf(authorityOf(rest))) != nil {
			return fmt.Errorf("%q must start with http:// or https://, and a host", shown)
		}
		return fmt.Errorf("%q has no :// behind its scheme: did you mean %s://%s?", shown, scheme, rest)
	}
	rest := strings.TrimLeft(shown, ":/")
	host := hostOf(authorityOf(rest))
	if CheckHost(host) != nil {
		return fmt.Errorf("%q must start with http:// or https://", shown)
	}
	scheme := "http"
	if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ".") && host == authorityOf(rest) {
		scheme = "https" // a name in public DNS, on the port of its scheme
	}
	return fmt.Errorf("%q has no scheme: did you mean %s://%s?", shown, scheme, rest)
}

// checkPrefix returns an error if prefix is not empty and can begin no path.
func checkPrefix(prefix string) error {
	switch {
	case prefix == "":
		return nil
	case strings.ContainsAny(prefix, "?#"):
		return fmt.Errorf("prefix %q has a query or a fragment, which headway does not show: a prefix is a path alone", Shown(prefix))
	case !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") || strings.ContainsAny(prefix, " \t\"'"):
		return fmt.Errorf("prefix %q must start with /, not end with it, and hold no blank and no quote", Shown(prefix))
	}
	return nil
}

// authorityOf is rest, a URL behind its scheme, without the path.
func authorityOf(rest string) string {
	authority, _, _ := strings.Cut(rest, "/")
	return authority
}

// hostOf is authority without its port. An address of IPv6 loses its brackets.
func hostOf(authority string) string {
	if inside, ok := strings.CutPrefix(authority, "["); ok {
		host, _, _ := strings.Cut(inside, "]")
		return strings.Replace(host, "%25", "%", 1) // of a zone (RFC 6874)
	}
	if i := strings.LastIndexByte(authority, ':'); i >= 0 {
		return authority[:i]
	}
	return authority
}

// The bounds of a name in DNS (RFC 1035, section 2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

// CheckHost returns an error if host can be neither the name of a host nor an address.
func CheckHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		case r == '$':
			return errors.New("no host has a $ in its name: was a variable not replaced?")
		case strings.ContainsRune("<>{}", r):
			return fmt.Errorf("no host has a %c in its name: write the real name in place of the placeholder", r)
		case r > '~':
			return fmt.Errorf("no host has %s in its name: write the form of the name that begins with xn--", strconv.QuoteRune(r))
		case r == '/' || r == '@':
			return errors.New("no host has a / or an @ in its name")
		default:
			return fmt.Errorf("no host has %s in its name: a name has letters, digits and - . _", strconv.QuoteRune(r))
		}
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > maxName {
		return fmt.Errorf("the name of a host has at most %d characters", maxName)
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return errors.New("the name of the host has nothing between two points, or before the first")
		case len(label) > maxLabel:
			return fmt.Errorf("the name of a host has at most %d characters between two points", maxLabel)
		case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
			return errors.New("no part of a host's name begins or ends with -")
		}
	}
	if isNumber(name[strings.LastIndexByte(name, '.')+1:]) {
		return errors.New("the host is no IP address: an address of IPv4 has four numbers from 0 to 255")
	}
	return nil
}

// isNumber says whether the last part of a host makes the host an address of IPv4 to
// programs that read old spellings, such as 0x7f.1 (WHATWG URL, section 3.5, "ends in a
// number"). No top-level domain is a number.
func isNumber(label string) bool {
	if digits, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
