package config

import (
	"reflect"
	"time"
)

//go:generate go test -run Reference -update .

// Variable documents one variable of the environment of `headway run`.
type Variable struct {
	Name    string // HEADWAY_LISTEN, say
	Default string // as a user would write it; empty for none
	// Meaning is a phrase that begins in lower case. Sentences may follow it. It has no
	// full stop at the end. Values and names in it stand in backquotes.
	Meaning string
	Pages   []string // in docs, with more about it: transparent.md, say
	Group   string
	Type    Type
}

// Type is the kind of value of a variable.
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

// Variables returns every variable, in an order for readers: the variables of one group
// follow each other.
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

// typeOf returns the type of a variable from the Go type t of its field. Every type
// without a notation of its own here is Text.
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
