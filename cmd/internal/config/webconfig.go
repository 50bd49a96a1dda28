package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"

	"github.com/headway-sidecar/headway/slo/spelling"
)

// CheckWebConfig returns an error if the admin port cannot be served by the web
// configuration at path. An empty path is no error. The error names keys, lines and files
// of the configuration, and shows no other value of it: a value may be a password.
func CheckWebConfig(path string) error {
	if path == "" {
		return nil
	}
	text, err := ReadFile(path, MaxFile)
	if err == nil {
		err = ParseWebConfig(text)
	}
	if err != nil {
		return err
	}
	return withoutValues(web.Validate(path))
}

// ParseWebConfig returns an error if text is no web configuration, or if it protects
// nothing where it seems to. It opens no file that text names. Its error shows no value.
func ParseWebConfig(text []byte) error {
	var c web.Config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return withoutValues(err)
	}
	var keys map[string]any
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return withoutValues(err)
	}
	_, users := keys["basic_auth_users"]
	_, tls := keys["tls_server_config"]
	switch {
	case len(keys) == 0:
		return errors.New("the file has no content, so the admin port would ask for no password and have no TLS: " +
			"write basic_auth_users or tls_server_config, or leave the variable out")
	case users && len(c.Users) == 0:
		return errors.New("basic_auth_users names no user, so the admin port would ask for no password: write NAME: HASH below it, or leave it out")
	case tls && !c.TLSConfig.IsEnabled():
		return errors.New("tls_server_config names no certificate, so the admin port would have no TLS: write cert_file and key_file below it, or leave it out")
	}
	return nil
}

// The errors of the libraries about a web configuration. Some of them quote values.
var (
	webWrongType = regexp.MustCompile(`(?s)^line (\d+): cannot unmarshal !!([a-z]+)(?: .*)? into (\S+)$`)
	webUnknown   = regexp.MustCompile(`(?s)^line (\d+): field (.*) not found in type (\S+)$`)
	webTwice     = regexp.MustCompile(`(?s)^line (\d+): (?:key|field) (.*) already set in (?:map|type \S+)$`)
	webSyntax    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(did not find|found|could not find|mapping values|control characters|block)(.*)$`)
	webLine      = regexp.MustCompile(`^yaml: line (\d+): `)
	webWord      = regexp.MustCompile(`^(unknown cipher|unknown curve|unknown TLS version|invalid ClientAuth): `)
	webHeader    = regexp.MustCompile(`(?s)^(invalid value for \S+\. Expected one of: .*), but got: .*$`)
)

// withoutValues is err, an error of a library about a web configuration, in the words of
// the file and without its values.
func withoutValues(err error) error {
	if err == nil {
		return nil
	}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		var lines []error
		for _, text := range several.Errors {
			lines = append(lines, mistyped(text))
		}
		return errors.Join(lines...)
	}
	text := err.Error()
	switch {
	case webSyntax.MatchString(text):
		m := webSyntax.FindStringSubmatch(text)
		return fmt.Errorf("line %s: this is no YAML: %s%s", cmp.Or(m[1], "1"), m[2], m[3])
	case webLine.MatchString(text):
		return fmt.Errorf("line %s: this is no YAML", webLine.FindStringSubmatch(text)[1])
	case strings.HasPrefix(text, "yaml: "):
		return errors.New("the file is no YAML that can be read")
	case strings.HasPrefix(text, "crypto/bcrypt: "):
		return errors.New("a password below basic_auth_users is no bcrypt hash: htpasswd -nB NAME makes one")
	case webWord.MatchString(text):
		key := map[string]string{
			"unknown cipher": "cipher_suites", "unknown curve": "curve_preferences",
			"unknown TLS version": "min_version or max_version", "invalid ClientAuth": "client_auth_type",
		}[webWord.FindStringSubmatch(text)[1]]
		return fmt.Errorf("%s has a value that does not exist", key)
	case webHeader.MatchString(text):
		return errors.New(webHeader.FindStringSubmatch(text)[1])
	}
	return err
}

// mistyped is one line of a yaml.TypeError without values and types of Go.
func mistyped(text string) error {
	if m := webWrongType.FindStringSubmatch(text); m != nil {
		is := map[string]string{"seq": "a list", "map": "a mapping"}[m[2]]
		return fmt.Errorf("line %s: %s stands where %s belongs", m[1], cmp.Or(is, "a single value"), webNotation(m[3]))
	}
	if m := webUnknown.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("line %s: there is no key %q; %s", m[1], m[2], spelling.Hint(m[2], webKeys(m[3])))
	}
	if m := webTwice.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("line %s: the key %q is there twice", m[1], strings.Trim(m[2], `"`))
	}
	return errors.New("the file has a value of the wrong kind")
}

// webNotation says how a value of the type with that name in Go is written in the file.
func webNotation(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "map["), strings.HasPrefix(name, "web.") && strings.HasSuffix(name, "Config"):
		return "a mapping"
	case name == "bool":
		return "true or false"
	case name == "int":
		return "a whole number"
	case name == reflect.TypeFor[time.Duration]().String():
		return "a duration such as 1s"
	}
	return "a text"
}

// webKeys lists the keys of the part of a web configuration with that name in Go.
func webKeys(name string) []string {
	for _, t := range []reflect.Type{
		reflect.TypeFor[web.Config](), reflect.TypeFor[web.TLSConfig](), reflect.TypeFor[web.HTTPConfig](), reflect.TypeFor[web.RateLimiterConfig](),
	} {
		if t.String() != name {
			continue
		}
		var keys []string
		for field := range t.Fields() {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			keys = append(keys, key)
		}
		return keys
	}
	return nil
}
