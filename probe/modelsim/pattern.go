package modelsim

import (
	"net/url"
	"slices"
	"strings"
)

// pattern says which paths lead to an API, by their last segments: "/v1/chat/completions". Any prefix
// may precede them, as behind a gateway. One * stands for a name within a segment, mostly that of the
// model: "/models/*:generateContent". A parameter that the query must have follows a question mark:
// "/models/*:streamGenerateContent?alt=sse".
type pattern string

// match says whether a path, still escaped, and a query fit the pattern. It returns the name at the
// star.
func (p pattern) match(path, query string) (name string, ok bool) {
	wanted, parameter, asks := strings.Cut(string(p), "?")
	for wanted != "" {
		at, cut := strings.LastIndexByte(wanted, '/'), strings.LastIndexByte(path, '/')
		if cut < 0 {
			return "", false
		}
		before, after, open := strings.Cut(wanted[at+1:], "*")
		segment := path[cut+1:]
		switch {
		case !open && segment != before:
			return "", false
		case open:
			if name = between(segment, before, after); name == "" {
				return "", false
			}
		}
		wanted, path = wanted[:at], path[:cut]
	}
	return name, !asks || slices.Contains(strings.Split(query, "&"), parameter)
}

// between is the unescaped rest of a segment, or empty if it does not begin and end like that.
func between(segment, before, after string) string {
	rest, begins := strings.CutPrefix(segment, before)
	rest, ends := strings.CutSuffix(rest, after)
	name, err := url.PathUnescape(rest)
	if !begins || !ends || err != nil {
		return ""
	}
	return name
}
