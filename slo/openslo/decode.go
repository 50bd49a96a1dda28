package openslo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// maxFile bounds a file, in bytes.
const maxFile = 1 << 20

// Decode reads documents; its Problems use that name. The error is slo.Problems or the
// reader's. A key that the specification does not have is a Problem.
func Decode(name string, in io.Reader) ([]Object, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, slo.Problems{{File: name, Wrong: "the file is too large", Right: "keep it under 1 MiB"}}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var objects []Object
	var wrong slo.Problems
	for {
		node := new(yaml.Node)
		err := loader.Load(node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, append(wrong, slo.Syntax(name, text, err))
		}
		if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
			node = node.Content[0]
		}
		if node.ShortTag() == "!!null" {
			continue // between two ---
		}
		o, problems := decode(name, node)
		wrong = append(wrong, problems...)
		objects = append(objects, o)
	}
	if len(objects) == 0 && len(wrong) == 0 {
		wrong = slo.Problems{{File: name, Line: 1, Wrong: "there is no document", Right: "begin with apiVersion: " + APIVersion}}
	}
	return objects, wrong.Err()
}

func decode(file string, node *yaml.Node) (Object, slo.Problems) {
	var head struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       Kind   `yaml:"kind"`
	}
	if err := node.Load(&head); err != nil {
		return Object{}, misread(file, node.Line, err)
	}
	problem := func(key, wrong, right string) (Object, slo.Problems) {
		return Object{}, slo.Problems{{File: file, Line: node.Line, Key: key, Wrong: wrong, Right: right}}
	}
	if head.APIVersion != APIVersion {
		return problem("apiVersion", fmt.Sprintf("%q is not read", head.APIVersion), "write "+APIVersion)
	}
	o := Object{node: node, Spec: newSpec(head.Kind)}
	if o.Spec == nil {
		return problem("kind", fmt.Sprintf("%q is none of OpenSLO's", head.Kind), spelling.Hint(string(head.Kind), kinds()))
	}
	var raw envelope
	if err := node.Load(&raw, yaml.WithKnownFields()); err != nil {
		return Object{}, misread(file, node.Line, err)
	}
	if raw.Spec.Kind == 0 {
		return problem("spec", "there is none", "write spec: with the keys of the "+string(o.Kind)+" below it, as in service: chat")
	}
	if err := raw.Spec.Load(o.Spec, yaml.WithKnownFields()); err != nil {
		return Object{}, misread(file, raw.Spec.Line, err)
	}
	o.APIVersion, o.Kind, o.Metadata = raw.APIVersion, raw.Kind, raw.Metadata
	if o.Metadata.Name == "" {
		return problem("metadata.name", "there is none", "name the "+string(o.Kind))
	}
	return o, nil
}

// envelope is an object whose spec is not read yet.
type envelope struct {
	APIVersion string    `yaml:"apiVersion"`
	Kind       Kind      `yaml:"kind"`
	Metadata   Metadata  `yaml:"metadata"`
	Spec       yaml.Node `yaml:"spec"`
}

// misread returns err as Problems in the words of OpenSLO.
func misread(file string, line int, err error) slo.Problems {
	roots := []reflect.Type{reflect.TypeFor[envelope]()}
	for _, kind := range kinds() {
		roots = append(roots, reflect.TypeOf(newSpec(Kind(kind))))
	}
	return slo.Misread(file, line, err, roots...)
}

// kinds lists the kinds of objects.
func kinds() []string {
	return []string{
		string(KindSLO), string(KindSLI), string(KindService), string(KindDataSource), string(KindPolicy), string(KindCondition), string(KindNotification),
	}
}

// newSpec is an empty spec of kind, nil for an unknown kind.
func newSpec(kind Kind) any {
	switch kind {
	case KindSLO:
		return new(SLOSpec)
	case KindSLI:
		return new(SLISpec)
	case KindService:
		return new(ServiceSpec)
	case KindDataSource:
		return new(DataSourceSpec)
	case KindPolicy:
		return new(PolicySpec)
	case KindCondition:
		return new(ConditionSpec)
	case KindNotification:
		return new(NotificationSpec)
	}
	return nil
}

// Encode writes objects, each as a document.
func Encode(w io.Writer, objects []Object) error {
	text, err := yaml.Dump(objects, yaml.WithAllDocuments(), yaml.WithLineWidth(-1))
	if err != nil {
		return fmt.Errorf("writing OpenSLO documents: %w", err)
	}
	_, err = w.Write(text)
	return err
}

// line is the line of the value at path, or of the nearest node above it.
func (o *Object) line(path ...string) int {
	n := o.node
	if n == nil {
		return 0
	}
	line := n.Line
	for _, key := range path {
		name, value := child(n, key)
		if value == nil {
			return line
		}
		n, line = value, name.Line
	}
	return line
}

// child returns a key of n, or of the first entry of the list n, with its value.
func child(n *yaml.Node, key string) (name, value *yaml.Node) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
		return child(n.Content[0], key)
	}
	return nil, nil
}
