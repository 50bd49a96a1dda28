package slo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is a mistake in an SLO file, together with a correction.
type Problem struct {
	File  string
	Line  int    // 0 is unknown
	Key   string // slos[0].good.ttft
	Wrong string
	Right string
}

// Error is p as file:line: key: the mistake; the correction.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Wrong)
	if p.Right != "" {
		b.WriteString("; " + p.Right)
	}
	return b.String()
}

// Problems lists every mistake in a Set, in the order of its lines.
type Problems []Problem

// Error is a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Err is p as an error, nil when there is no mistake.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key)) })
}

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
