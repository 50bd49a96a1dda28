package main

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFamily is how many lines of code a family of dialects may have. A family that needs
// more has found something that the machine of proxy/dialect/reading should do for all.
const maxFamily = 400

// A family is a room of dialects that the program reads by: one that cmd/internal/sidecar
// imports.
func TestFamiliesAreSmall(t *testing.T) {
	families := 0
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, "proxy/dialect/") || !slices.Contains(rooms["cmd/internal/sidecar"], p.ImportPath) {
			continue
		}
		families++
		lines := 0
		for _, file := range p.GoFiles {
			source, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += codeLines(source)
		}
		if lines > maxFamily {
			t.Errorf("%s has %d lines of code, more than %d", p.ImportPath, lines, maxFamily)
		}
	}
	if families == 0 {
		t.Error("there are no families")
	}
}

func TestCodeLines(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         int
	}{
		{"code", "package a\nvar b = 1\n", 2},
		{"blank lines", "package a\n\n\nvar b = 1\n\n", 2},
		{"comments", "// Package a\npackage a\n/* of\ntwo lines */\n", 1},
		{"a comment behind code", "package a // b\n", 1},
		{"a text of several lines", "package a\nvar b = `c\n\nd`\n", 4},
	} {
		if got := codeLines([]byte(c.source)); got != c.want {
			t.Errorf("%s: %d lines, want %d", c.name, got, c.want)
		}
	}
}

// codeLines counts the lines that have more than comments.
func codeLines(source []byte) (lines int) {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	for last := 0; ; {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if text == "\n" { // the semicolon that a line end stands for
			continue
		}
		first := file.Line(pos)
		end := first + strings.Count(text, "\n")
		lines += end - max(first-1, last)
		last = end
	}
}
