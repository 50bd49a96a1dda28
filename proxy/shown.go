package proxy

import "strings"

// hidden stands in a message for text that may be secret.
const hidden = "…"

// Shown is text that should be a URL, without the parts that may be secret: user and
// password, query and fragment. Messages show it in place of the text. If a sign in a
// password breaks the URL (user:pa#ss@host), Shown writes … for the rest.
func Shown(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || strings.ContainsAny(scheme, "?#@") {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	kept, behind := rest, ""
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		kept, behind = rest[:end], rest[end:]
	}
	if strings.Contains(behind, "@") && mayHoldPassword(kept) {
		return scheme + hidden
	}
	if at := strings.LastIndexByte(kept, '@'); at >= 0 {
		return scheme + kept[at+1:]
	}
	if at := strings.LastIndex(authorityOf(kept), "%40"); at >= 0 { // an @ that was escaped
		return scheme + kept[at+len("%40"):]
	}
	return scheme + kept
}

// mayHoldPassword says whether the @ behind kept may end a user and a password that kept
// begins. It does not if kept is a host, perhaps a port, and a path.
func mayHoldPassword(kept string) bool {
	authority, _, path := strings.Cut(kept, "/")
	_, port, _ := strings.Cut(authority, ":")
	return !path || strings.Contains(kept, "@") || strings.Trim(port, "0123456789") != ""
}
