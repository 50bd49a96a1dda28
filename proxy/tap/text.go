package tap

import (
	"strings"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// exportable returns a with texts that every observer can export.
func exportable(a dialect.Ask) dialect.Ask {
	a.Dialect, a.Operation, a.Provider, a.Model = valid(a.Dialect), valid(a.Operation), valid(a.Provider), valid(a.Model)
	return a
}

// valid returns s in UTF-8, as protobuf, labels and JSON need it. A decoder may have
// found other bytes in a body or a path, or cut a name within a rune.
func valid[S ~string](s S) S {
	if utf8.ValidString(string(s)) {
		return s
	}
	return S(strings.ToValidUTF8(string(s), "\uFFFD"))
}
