package modelsim

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// pattern says which paths lead to an API, by their last segments: "/v1/chat/completions". Any prefix
// may precede them, as behind a gateway. A segment with stars has a name, mostly that of the model, from
// the first star to the last: "/models/*:generateContent", "/model/*anthropic.*/invoke". A parameter
// that the query must have follows a question mark: "/models/*:streamGenerateContent?alt=sse".
type pattern string

// match says whether a path, still escaped, and a query fit the pattern. It returns the name.
func (p pattern) match(rest, query string) (name string, ok bool) {
	wanted, parameter, asks := strings.Cut(string(p), "?")
	for wanted != "" {
		at, cut := strings.LastIndexByte(wanted, '/'), strings.LastIndexByte(rest, '/')
		if cut < 0 {
			return "", false
		}
		segment, want := rest[cut+1:], wanted[at+1:]
		if strings.Contains(want, "*") {
			if name = nameIn(segment, want); name == "" {
				return "", false
			}
		} else if segment != want {
			return "", false
		}
		wanted, rest = wanted[:at], rest[:cut]
	}
	return name, !asks || slices.Contains(strings.Split(query, "&"), parameter)
}

// nameIn is the unescaped name in a segment that fits a pattern, or empty if it does not fit.
func nameIn(segment, pattern string) string {
	if fits, err := path.Match(pattern, segment); !fits || err != nil {
		return ""
	}
	before, after := strings.IndexByte(pattern, '*'), len(pattern)-1-strings.LastIndexByte(pattern, '*')
	name, err := url.PathUnescape(segment[before : len(segment)-after])
	if err != nil {
		return ""
	}
	return name
}
