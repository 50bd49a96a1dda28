package config

import (
	"fmt"
	"reflect"
	"strings"
)

// ListVariables is a line for every variable, with its default.
func ListVariables() string {
	var b strings.Builder
	for field := range reflect.TypeFor[Config]().Fields() {
		if key := field.Tag.Get("env"); key != "-" {
			line := fmt.Sprintf("  %-24s %s", Prefix+key, field.Tag.Get("envDefault"))
			fmt.Fprintf(&b, "\n%s", strings.TrimRight(line, " "))
		}
	}
	return b.String()
}

// Unknown lists the variables of environ that have the prefix and no meaning, except
// for those that Kubernetes sets for a service called headway.
func Unknown(environ []string) []string {
	known := map[string]bool{}
	for field := range reflect.TypeFor[Config]().Fields() {
		known[Prefix+field.Tag.Get("env")] = true
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
