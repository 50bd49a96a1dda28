package exchange_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryValueHasAProducer: a guard against a value that nothing makes is dead, and
// looks alive. So some code of the program must use every value of these types in
// another way than to compare with it, and set every field of these structs.
func TestEveryValueHasAProducer(t *testing.T) {
	files := program(t)
	for _, tt := range []struct {
		folder string
		types  []string
		later  []string // that code to come will make
	}{
		{"proxy/exchange", []string{"Origin", "Role", "Mode", "Outcome", "ErrorType", "Source", "Ruling", "ChainOutcome"}, []string{
			"Absent", "Unruled", // the zero values
		}},
		{"proxy/dialect/reading", []string{"Note", "Reason"}, nil},
	} {
		used := files.uses(filepath.Base(tt.folder))
		for name, of := range files.constants("../../" + tt.folder) {
			if made := used[name]; slices.Contains(tt.types, of) && made == slices.Contains(tt.later, name) {
				t.Errorf("%s.%s: made %v, awaited %v", tt.folder, name, made, !made)
			}
		}
	}
	set := files.assigned()
	for name := range files.fields("Record", "Timing", "Usage", "Clocks", "Clock", "Overhead", "Engine", "Advice", "RateLimit", "Attempt", "Chain", "Bytes", "Model") {
		if !set[name] {
			t.Errorf("no code sets the field %s", name)
		}
	}
}

// files are the source files of the program, by path.
type files map[string]*ast.File

func program(t *testing.T) files {
	t.Helper()
	all := files{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test")):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		all[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		return err
	})
	if err != nil || len(all) < 100 {
		t.Fatalf("%d files: %v", len(all), err)
	}
	return all
}

// constants returns the constants of the package in a folder, with their types.
func (all files) constants(folder string) map[string]string {
	out := map[string]string{}
	for path, f := range all {
		if filepath.Dir(path) != filepath.Clean(folder) {
			continue
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.CONST {
				typed := ""
				for _, s := range d.Specs {
					s := s.(*ast.ValueSpec)
					if id, ok := s.Type.(*ast.Ident); ok {
						typed = id.Name
					} else if len(s.Values) > 0 {
						typed = ""
					}
					out[s.Names[0].Name] = typed
				}
			}
		}
	}
	return out
}

// uses returns the names of the package that some code uses other than to compare.
func (all files) uses(pkg string) map[string]bool {
	used := map[string]bool{}
	for _, f := range all {
		own := f.Name.Name == pkg
		passive := map[ast.Node]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				return n.Tok != token.CONST
			case *ast.FuncDecl:
				return n.Name.Name != "Outcomes" // which lists them
			case *ast.CaseClause:
				for _, e := range n.List {
					passive[e] = true
				}
			case *ast.BinaryExpr:
				if n.Op == token.EQL || n.Op == token.NEQ {
					passive[n.X], passive[n.Y] = true, true
				}
			case *ast.KeyValueExpr:
				passive[n.Key] = true
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == pkg && !passive[n] {
					used[n.Sel.Name] = true
				}
				return false
			case *ast.Ident:
				if own && !passive[n] {
					used[n.Name] = true
				}
			}
			return true
		})
	}
	return used
}

// fields returns the fields of the structs.
func (all files) fields(structs ...string) map[string]bool {
	out := map[string]bool{}
	for _, f := range all {
		if f.Name.Name != "exchange" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.TypeSpec)
			if !ok || !slices.Contains(structs, s.Name.Name) {
				return true
			}
			if s, ok := s.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, name := range field.Names {
						out[name.Name] = true
					}
				}
			}
			return false
		})
	}
	return out
}

// assigned returns the names of fields that some code sets, or whose parts it changes.
func (all files) assigned() map[string]bool {
	set := map[string]bool{}
	mark := func(e ast.Expr) {
		for {
			switch at := e.(type) {
			case *ast.SelectorExpr:
				set[at.Sel.Name] = true
				e = at.X
				continue
			case *ast.CallExpr:
				e = at.Fun
				continue
			}
			return
		}
	}
	for path, f := range all {
		room := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if !strings.HasPrefix(room, "proxy/") && !strings.HasPrefix(room, "slo/") && !strings.HasPrefix(room, "exporter/sampling/") {
			continue // the others only read Records
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					mark(e)
				}
			case *ast.IncDecStmt:
				mark(n.X)
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok {
					set[id.Name] = true
				}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					mark(n.X)
				}
			case *ast.CallExpr: // a method of a field, as Add is
				if s, ok := n.Fun.(*ast.SelectorExpr); ok {
					mark(s.X)
				}
			}
			return true
		})
	}
	return set
}
