package exporter

import (
	"slices"
	"strings"
)

// SemConv chooses the names of the instruments of the semantic conventions.
type SemConv string

// The settings. They differ beside an application only: the conventions for model
// servers are the same in both.
const (
	V141 SemConv = "v1.41" // OpenTelemetry semantic conventions 1.41, the last release with gen_ai
	V01  SemConv = "v0.1"  // its successor, semantic-conventions-genai 0.1
	Dup  SemConv = "dup"   // both, for as long as dashboards move
)

// SemConvs lists every setting.
func SemConvs() []SemConv { return []SemConv{V141, V01, Dup} }

// convention is an instrument of the semantic conventions and its name in each of them.
// It has one name at least.
type convention struct {
	older string // in V141; empty where V141 has no such instrument
	newer string // likewise in V01
	Instrument
}

// inferencePrefix begins the names of instruments that draw from inference only.
const inferencePrefix = "gen_ai.client.inference."

// named gives every convention the names that it has in setting s. Where both settings
// use one name, Dup keeps the older instrument.
func named(s SemConv, all []convention) []Instrument {
	var out []Instrument
	add := func(c convention, name string) {
		taken := slices.ContainsFunc(out, func(in Instrument) bool { return in.Name == name })
		if name == "" || taken {
			return
		}
		c.Name = name
		if strings.HasPrefix(name, inferencePrefix) {
			c.Draw = inference(c.Draw)
		}
		out = append(out, c.Instrument)
	}
	for _, c := range all {
		if s != V01 {
			add(c, c.older)
		}
		if s != V141 {
			add(c, c.newer)
		}
	}
	return out
}

// inference restricts draw to the operations that the newer conventions call inference.
func inference(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Operation.Generates() {
			draw(r, s)
		}
	}
}

// noInference restricts draw to all other operations.
func noInference(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if !r.Operation.Generates() {
			draw(r, s)
		}
	}
}
