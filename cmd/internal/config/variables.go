package config

import (
	"reflect"
	"strings"
	"time"
)

//go:generate go test -run Reference -update .

// Variable documents one variable of the environment of `headway run`.
type Variable struct {
	Name    string // HEADWAY_LISTEN, say
	Default string // as the environment would have it; empty for none
	// Meaning is a phrase that begins in lower case, or sentences after it, without a
	// full stop at the end. Values and names in it stand in backquotes.
	Meaning string
	Pages   []string // of docs that say more: transparent.md, say
	Group   string
	Type    Type
}

// Type says what the value of a variable is.
type Type string

// The types of variables.
const (
	Text     Type = "text"
	Bool     Type = "bool"
	Int      Type = "int"
	Number   Type = "number"
	Duration Type = "duration" // in Go's notation: 500ms, 10m
	Bytes    Type = "bytes"    // with or without a binary unit: 256MiB
)

// Variables returns every variable, in the order in which they are best read: the
// variables of one group follow each other.
func Variables() []Variable {
	fields := map[string]reflect.StructField{}
	for field := range reflect.TypeFor[Config]().Fields() {
		fields[field.Tag.Get("env")] = field
	}
	var all []Variable
	for _, g := range meanings() {
		for _, m := range g.meanings {
			field := fields[m.key]
			all = append(all, Variable{
				Name: Prefix + m.key, Default: field.Tag.Get("envDefault"), Meaning: m.text, Pages: m.pages, Group: g.name, Type: typeOf(field.Type),
			})
		}
	}
	return all
}

// typeOf is the type of the variable whose field has the type t of Go. Types of a
// package's own are words, unless they have a notation of their own here.
func typeOf(t reflect.Type) Type {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return Duration
	case reflect.TypeFor[ByteSize]():
		return Bytes
	case reflect.TypeFor[bool]():
		return Bool
	case reflect.TypeFor[int]():
		return Int
	case reflect.TypeFor[float64]():
		return Number
	}
	return Text
}

// Unknown lists the variables of environ that have the prefix and no meaning, except
// for those that Kubernetes sets for a service called headway.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for _, v := range Variables() {
		known[v.Name] = true
	}
	var unknown []string
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		ofKubernetes := strings.HasPrefix(key, Prefix+"SERVICE_") || strings.HasPrefix(key, Prefix+"PORT")
		if strings.HasPrefix(key, Prefix) && !known[key] && !ofKubernetes {
			unknown = append(unknown, key)
		}
	}
	return unknown
}
