package slo

import (
	"strings"

	"github.com/headway-sidecar/headway/slo/strict"
)

// Problem is a mistake in an SLO file, together with a correction.
type Problem = strict.Problem

// Problems lists every mistake in a Set, in the order of its lines.
type Problems = strict.Problems

// Warning is a part of an SLO file that is allowed, but that rarely anybody means.
type Warning = Problem

// place is where an SLO stands in its file.
type place struct {
	file  string
	key   string         // slos[0]
	lines map[string]int // by key within the SLO: good.ttft, say
}

// Problem returns a mistake in s: at the key within s (good.ttft, say), or in all of s if
// key is empty. It has the line if s was read from a file.
func (s *SLO) Problem(key, wrong, right string) Problem {
	p := Problem{File: s.at.file, Key: s.at.key, Wrong: wrong, Right: right}
	if p.Key == "" {
		p.Key = s.Name
	}
	for k := key; ; {
		if p.Line = s.at.lines[k]; p.Line > 0 || k == "" {
			break
		}
		k = k[:max(0, strings.LastIndexByte(k, '.'))]
	}
	if key != "" {
		p.Key += "." + key
	}
	return p
}

// Place notes where s was read, so that its Problems can name the line: the file, the key
// of s in it, and the lines of the keys within s. The empty key has the line of s itself.
func (s *SLO) Place(file, key string, lines map[string]int) {
	s.at = place{file: file, key: key, lines: lines}
}
