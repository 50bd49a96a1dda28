package tap

import (
	"bytes"
	"sync"
)

const (
	// maxPathClasses bounds the templates of the process. Exchanges that were answered may
	// use all places, others half of them: a scanner's guesses find no more.
	maxPathClasses = 64
	// maxPathSegments is where a template ends. No API has longer paths.
	maxPathSegments = 8
	// otherPath is the template of paths beyond the bound.
	otherPath = "_other"
)

// pathClasses are the templates of paths that no dialect reads. It is safe for concurrent
// use.
type pathClasses struct {
	mu    sync.Mutex
	known map[string]string
}

// classOf returns the template of a path, or otherPath where there is no place for one
// more.
func (p *pathClasses) classOf(path string, answered bool) string {
	var room [128]byte
	template := appendTemplate(room[:0], path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[string(template)]; ok {
		return known
	}
	limit := maxPathClasses
	if !answered {
		limit /= 2
	}
	if len(p.known) >= limit {
		return otherPath
	}
	if p.known == nil {
		p.known = map[string]string{}
	}
	class := string(template)
	p.known[class] = class
	return class
}

// appendTemplate appends the template of a path: /v1/files/{}/content for
// /v1/files/file-abc123/content. A template holds words of APIs, and nothing that names a
// person, a tenant or a thing, or that may be a key.
func appendTemplate(dst []byte, path string) []byte {
	var before string // the segment before this one
	for n := 0; len(path) > 0; n++ {
		path = path[1:] // a slash, or the * of OPTIONS
		end := 0
		for end < len(path) && path[end] != '/' {
			end++
		}
		segment := path[:end]
		path = path[end:]
		dst = append(dst, '/')
		if n == maxPathSegments {
			return append(dst, "…"...)
		}
		dst = appendSegment(dst, segment, before)
		before = segment
	}
	return dst
}

// appendSegment appends a segment, or a place for one. A word behind a colon is a method
// of what stands before it: models/gemini-x:countTokens.
func appendSegment(dst []byte, segment, before string) []byte {
	name, method := segment, ""
	for i := range len(segment) {
		if segment[i] == ':' {
			name, method = segment[:i], segment[i+1:]
			break
		}
	}
	switch {
	case segment == "":
		return dst
	case method == "" && name == segment && (isAPIWord(name) || !namesAThing(before) && isWord(name)):
		return append(dst, segment...)
	case isMethod(method):
		return append(append(dst, "{}:"...), method...)
	}
	return append(dst, "{}"...)
}

// apiWords are the words that stand behind the name of a collection and are no member of
// it, and the versions of APIs.
var apiWords = [...]string{
	"v1", "v2", "v3", "v4", "v1alpha", "v1beta", "v1beta1", "v1beta2", "v1beta3", "v2beta",
	"api", "openai", "anthropic", "chat", "completions", "messages", "responses", "embeddings", "models", "files", "batches", "images",
	"audio", "speech", "threads", "runs", "steps", "assistants", "content", "parts", "cancel", "search", "list", "count_tokens",
	"input_tokens", "input_items", "compact", "batch", "health", "healthz", "ready", "live", "metrics", "ping", "version", "tokenize",
	"detokenize", "generate", "info", "jobs", "events", "checkpoints", "sessions", "tags", "show", "pull", "ps", "usage", "costs",
}

func isAPIWord(s string) bool {
	for _, word := range apiWords {
		if s == word {
			return true
		}
	}
	return false
}

// namesAThing tells whether the segment behind this one names something: a member of a
// collection, whose name is a plural, or a key.
func namesAThing(segment string) bool {
	n := len(segment)
	if n == 0 {
		return false
	}
	if segment[n-1] == 's' || segment[n-1] == 'S' {
		return true
	}
	var room [16]byte
	lower := append(room[:0], segment[:min(n, len(room))]...)
	for _, word := range [...]string{"key", "token", "secret", "password", "bot", "user", "tenant", "account", "org", "project", "session", "team", "id", "model"} {
		if bytes.EqualFold(lower, []byte(word)) {
			return true
		}
	}
	return false
}

const (
	maxWord    = 24
	maxHyphens = 2
	maxCluster = 4 // consonants in a row; few words have five, and most random texts do
)

// isWord tells whether a segment reads like a word of a language, or some of them with
// hyphens: no digits, no capitals, no long text, and vowels between the consonants.
func isWord(s string) bool {
	if len(s) > maxWord {
		return false
	}
	hyphens, cluster, vowels := 0, 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-' || c == '_' || c == '.':
			hyphens++
			cluster = 0
		case c < 'a' || c > 'z':
			return false
		case isVowel(c):
			vowels++
			cluster = 0
		default:
			cluster++
		}
		if cluster > maxCluster || hyphens > maxHyphens {
			return false
		}
	}
	return vowels > 0 && 5*vowels >= len(s)
}

// isMethod tells whether s reads like the name of a method: countTokens.
func isMethod(s string) bool {
	if s == "" || len(s) > maxWord || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	var room [maxWord]byte
	lower := room[:0]
	hump := 3
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			if hump < 3 {
				return false
			}
			hump, c = 0, c+'a'-'A'
		}
		hump++
		lower = append(lower, c)
	}
	return isWord(string(lower))
}

func isVowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', 'y':
		return true
	}
	return false
}
