package tap

import (
	"strings"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// exportable is a with texts that every observer can export.
func exportable(a dialect.Ask) dialect.Ask {
	a.Dialect, a.Operation, a.Provider, a.Model = valid(a.Dialect), valid(a.Operation), valid(a.Provider), valid(a.Model)
	return a
}

// valid is s in UTF-8, as strings of protobuf, labels and JSON must be. A decoder may
// have found other bytes in a body or a path, or cut a name within a rune.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
