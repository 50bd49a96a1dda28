package slo

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo/spelling"
	"github.com/headway-sidecar/headway/slo/strict"
)

// The errors of the YAML library about a document of the wrong shape.
var (
	unknownKey = regexp.MustCompile(`^field (\S+) not found in type (\S+)$`)
	wrongType  = regexp.MustCompile("^cannot construct !!([a-z]+)(?: `(.*)`)? into (\\S+)$")
)

// Misread returns err, with which the YAML library refused to read a text into values of
// the Go types roots, as Problems in the words of the file. line is the line for an error
// that has none.
func Misread(file string, line int, err error, roots ...reflect.Type) Problems {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	var all []*yaml.LoadError
	switch {
	case errors.As(err, &several):
		all = several.Errors
	case errors.As(err, &one):
		all = append(all, one)
	default:
		return Problems{{File: file, Line: line, Wrong: err.Error()}}
	}
	var out Problems
	for _, e := range all {
		p := Problem{File: file, Line: e.Mark.Line, Wrong: e.Message}
		if m := unknownKey.FindStringSubmatch(e.Message); m != nil {
			p.Key, p.Wrong, p.Right = m[1], "there is no such key", spelling.Hint(m[1], keysOf(m[2], roots))
		}
		if m := wrongType.FindStringSubmatch(e.Message); m != nil {
			p.Wrong, p.Right = misplaced(m[1], m[2], m[3], roots)
		}
		out = append(out, p)
	}
	return out
}

// misplaced describes a value with a tag of YAML that stands where a Go type is wanted.
func misplaced(tag, value, wanted string, roots []reflect.Type) (wrong, right string) {
	shown := map[string]string{"seq": "a list", "map": "a mapping"}[tag]
	if shown == "" {
		shown = fmt.Sprintf("%q", strict.Shorten(value))
	}
	switch {
	case strings.HasPrefix(wanted, "[]"):
		return shown + " is no list", "write a list: [a, b], or a line that begins with - for each entry"
	case wanted == "string", strings.HasSuffix(wanted, ".Kind"):
		return shown + " is no text", "write a single value: chat"
	case strings.HasPrefix(wanted, "float"), strings.HasPrefix(wanted, "int"):
		return shown + " is no number", "write a number: 0.99"
	case wanted == "bool":
		return shown + " is neither true nor false", "write true or false"
	}
	return shown + " is no mapping", "write a mapping with " + strings.Join(keysOf(wanted, roots), ", ")
}

// keysOf lists the keys of the type with that name in Go, which is one of roots or inside
// one of them.
func keysOf(name string, roots []reflect.Type) []string {
	var keys []string
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || t == reflect.TypeFor[yaml.Node]() {
			return
		}
		seen[t] = true
		for field := range t.Fields() {
			if t.String() == name && field.IsExported() {
				keys = append(keys, fieldKeys(field)...)
			}
			walk(field.Type)
		}
	}
	for _, root := range roots {
		walk(root)
	}
	return keys
}

// fieldKeys lists the keys that stand for a field: its own, or those of the struct that
// the field puts in its place.
func fieldKeys(field reflect.StructField) []string {
	key, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	switch {
	case key != "":
		return []string{key}
	case !strings.Contains(options, "inline"):
		return []string{strings.ToLower(field.Name)}
	}
	var keys []string
	for inner := range field.Type.Fields() {
		keys = append(keys, fieldKeys(inner)...)
	}
	return keys
}
