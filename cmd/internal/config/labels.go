package config

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Labels are the labels that requests give their exchanges. The zero value stands for none.
type Labels struct {
	List []tap.Label
	Key  []byte // of the labels that are hashes
}

// Names lists the names of the labels.
func (l *Labels) Names() []string {
	var out []string
	for _, label := range l.List {
		out = append(out, label.Name)
	}
	return out
}

// leastKey is the least length of a key that nobody can guess, in bytes. mostKey is more than any
// key needs.
const leastKey, mostKey = 16, 4 << 10

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`) // Prometheus, data model
	fieldName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// readLabels reads Labels and the file with their key.
func (c *Config) readLabels(f *findings) {
	f.check("MAX_TENANTS", within(c.MaxTenants, 1, 10_000))
	taken := takenLabels()
	for entry := range strings.SplitSeq(c.Labels, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		label, err := readLabel(entry, taken)
		if err != nil {
			f.check("LABELS", fmt.Errorf("%s: %w", quoted(entry), err))
			continue
		}
		taken[label.Name] = "another label of the list"
		c.RequestLabels.List = append(c.RequestLabels.List, label)
	}
	if n := len(c.RequestLabels.List); n > exchange.MaxLabels {
		f.check("LABELS", fmt.Errorf("there are %d labels, and %d are the most", n, exchange.MaxLabels))
	}
	c.readLabelKey(f)
}

// readLabel reads name=header:Field or name=hash:Field. Taken maps each name that no label may
// have to its owner.
func readLabel(entry string, taken map[string]string) (tap.Label, error) {
	name, from, _ := strings.Cut(entry, "=")
	source, field, ok := strings.Cut(from, ":")
	label := tap.Label{Name: name, Field: strings.ToLower(field), Hash: source == "hash"}
	switch {
	case !ok:
		return label, errors.New("it is not name=header:Field or name=hash:Field")
	case !labelName.MatchString(name):
		return label, errors.New("the name has more than letters, digits and _, or begins with a digit")
	case strings.HasPrefix(name, "__"):
		return label, errors.New("names that begin with __ belong to Prometheus")
	case taken[name] != "":
		return label, fmt.Errorf("the name belongs to %s; take another one", taken[name])
	case !fieldName.MatchString(field):
		return label, errors.New("there is no name of a header field behind the colon")
	case !label.Hash && tap.Secret(label.Field):
		return label, fmt.Errorf("%s holds a secret, which must not become a label; write %s=hash:%s", field, name, field)
	}
	return label, OneOf(source, "header", "hash")
}

// takenLabels maps each name that no label may have to its owner: the metrics of headway, or the
// servers that scrape them.
func takenLabels() map[string]string {
	taken := map[string]string{}
	for _, name := range []string{"le", "quantile", "job", "instance", "namespace", "pod", "container", "endpoint", "service", "severity", "window"} {
		taken[name] = "Prometheus, its targets or its alerts"
	}
	for _, setting := range exporter.SemConvs() {
		for _, in := range exporter.Table(setting) {
			for _, name := range prometheus.Labels(&in) {
				taken[name] = "headway's own metrics"
			}
		}
	}
	return taken
}

// readLabelKey reads the key of labels that are hashes, or makes one if there is no file.
func (c *Config) readLabelKey(f *findings) {
	if c.LabelKeyFile == "" {
		c.RequestLabels.Key = []byte(rand.Text())
		return
	}
	text, err := ReadFile(c.LabelKeyFile, mostKey)
	key := bytes.TrimSpace(text)
	switch {
	case err != nil:
		f.check("LABEL_KEY_FILE", reading(c.LabelKeyFile, err))
	case len(key) < leastKey:
		f.check("LABEL_KEY_FILE", fmt.Errorf("%s: the key has %d bytes, and anybody could try out fewer than %d; make one with openssl rand -hex 32", quoted(c.LabelKeyFile), len(key), leastKey))
	}
	c.RequestLabels.Key = key
}

// ownKey returns a warning if labels are hashes with a key that only this process has.
func (c *Config) ownKey() error {
	if c.LabelKeyFile != "" || !slices.ContainsFunc(c.RequestLabels.List, func(l tap.Label) bool { return l.Hash }) {
		return nil
	}
	return fmt.Errorf("%sLABELS: without %sLABEL_KEY_FILE every process hashes with a key of its own, so that labels differ between pods and after a restart", Prefix, Prefix)
}
