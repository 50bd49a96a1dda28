package main

import (
	"fmt"
	"reflect"
	"strings"
)

// listVariables is a line for every variable, with its default.
func listVariables() string {
	var b strings.Builder
	for field := range reflect.TypeFor[config]().Fields() {
		if key, ok := field.Tag.Lookup("env"); ok {
			line := fmt.Sprintf("  %-24s %s", envPrefix+key, field.Tag.Get("envDefault"))
			fmt.Fprintf(&b, "\n%s", strings.TrimRight(line, " "))
		}
	}
	return b.String()
}

// unknownVariables lists the variables of our prefix that mean nothing to us,
// less those that Kubernetes sets for a service called headway.
func unknownVariables(environ []string) []string {
	known := map[string]bool{}
	for field := range reflect.TypeFor[config]().Fields() {
		known[envPrefix+field.Tag.Get("env")] = true
	}
	var unknown []string
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		ofKubernetes := strings.HasPrefix(key, envPrefix+"SERVICE_") || strings.HasPrefix(key, envPrefix+"PORT")
		if strings.HasPrefix(key, envPrefix) && !known[key] && !ofKubernetes {
			unknown = append(unknown, key)
		}
	}
	return unknown
}
