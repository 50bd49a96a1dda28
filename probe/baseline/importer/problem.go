package importer

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is something in a file that stands in the way of reading it, or something that
// the file lacks.
type Problem struct {
	File  string
	Line  int    // 0 is the whole file
	Field string // may be empty
	Got   string
	Want  string
}

// Error says where the problem is, what is there, and what should be.
func (p *Problem) Error() string {
	var out strings.Builder
	out.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&out, ", line %d", p.Line)
	}
	if p.Field != "" {
		fmt.Fprintf(&out, ", %s", p.Field)
	}
	fmt.Fprintf(&out, ": %s", p.Got)
	if p.Want != "" {
		fmt.Fprintf(&out, "; want %s", p.Want)
	}
	return out.String()
}

// inFile names the file in every Problem of err.
func inFile(name string, err error) error {
	var p *Problem
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, inFile(name, one))
		}
		return errors.Join(all...)
	}
	if errors.As(err, &p) {
		named := *p
		named.File = name
		return &named
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
