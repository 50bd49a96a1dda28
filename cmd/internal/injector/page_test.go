package injector_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

//go:generate go test -run Page -update .

// -update writes the part of the page between these lines.
const (
	tablesBegin = "<!-- What follows is written by go generate, from cmd/internal/injector. -->\n"
	tablesEnd   = "<!-- End of the tables. -->\n"
)

func TestPageHasEveryAnnotation(t *testing.T) {
	const path = "../../../docs/injector.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the tables", path)
	}
	golden.Check(t, path, before+tablesBegin+tables()+tablesEnd+after)
}

func tables() string {
	var b strings.Builder
	b.WriteString("\n## Annotations\n\nOf the pod, beside one for each setting of the sidecar, which the next table has.\n\n| annotation | example | meaning |\n| --- | --- | --- |\n")
	for _, a := range injector.Annotations() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", a.Name, a.Example, a.Meaning)
	}
	b.WriteString("\n### Settings of the sidecar\n\nThe values are those of the variables, which [configuration.md](configuration.md) explains. Every value is in quotes where YAML would read a number or a truth value: " +
		"`headway.dev/prewarm: \"4\"`.\n\n| annotation | variable |\n| --- | --- |\n")
	for _, v := range injector.Settable() {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", injector.AnnotationOf(v.Name), v.Name)
	}
	b.WriteString("\nIn a pod three of them have another default than elsewhere: `HEADWAY_ADMIN_LISTEN` is `0.0.0.0:8481`, `HEADWAY_DRAIN_TIMEOUT` is `110s`, and in transparent mode\n" +
		"`HEADWAY_TRANSPARENT_LISTEN` is `0.0.0.0:8482`. With `headway.dev/admin-web-config`, the probes only connect, because the port may want TLS or a certificate.\n" +
		"\n## Variables of the injector\n\n`headway-injector --check` validates them and the defaults file, and names every problem at once.\n\n| variable | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range injector.Variables() {
		standard := "—"
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		meaning := v.Meaning
		if v.Example != "" {
			meaning += ": `" + v.Example + "`, for example"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, standard, meaning)
	}
	return b.String() + "\n"
}
