//go:build interop

package chart_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// parse returns the objects in a text of several documents, by kind and name.
func parse(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var object map[string]any
		if err := d.Decode(&object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if object == nil { // a document of comments
			continue
		}
		metadata, _ := object["metadata"].(map[string]any)
		all[fmt.Sprintf("%v %v", object["kind"], metadata["name"])] = object
	}
}

// same fails the test unless two objects mean the same to Kubernetes. The registry and the
// version of headway's image make no difference, and the order of variables and volumes
// does not either.
func same(t *testing.T, name string, got, want map[string]any) {
	t.Helper()
	if got == nil || want == nil {
		t.Errorf("%s: one of the objects is missing", name)
		return
	}
	g, w := ordered(got), ordered(want)
	if !reflect.DeepEqual(g, w) {
		gotText, _ := yaml.Marshal(g)
		wantText, _ := yaml.Marshal(w)
		t.Errorf("%s: got\n%s\nwant\n%s", name, gotText, wantText)
	}
}

var image = regexp.MustCompile(`^(?:\S+/)?(headway(?:-injector)?):\S+$`)

// ordered is a copy of an object with its lists of variables, volumes and mounts sorted.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := map[string]any{}
		for key, value := range v {
			c[key] = ordered(value)
			list, _ := c[key].([]any)
			if slices.Contains([]string{"env", "volumes", "volumeMounts"}, key) {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = ordered(v[i])
		}
		return c
	case string:
		return image.ReplaceAllString(v, "$1:VERSION")
	}
	return v
}
