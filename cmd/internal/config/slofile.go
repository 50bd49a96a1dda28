package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/openslo"
	"github.com/headway-sidecar/headway/slo/rules"
)

// SLOs is the content of an SLO file. The zero value stands for no file.
type SLOs struct {
	Set      slo.Set
	Text     []byte
	Warnings []slo.Warning // settings that are allowed, but that a user rarely means
}

// readSLOFile reads the SLO file, if there is one.
func (c *Config) readSLOFile(check func(key string, err error)) {
	if c.SLOFile == "" {
		return
	}
	text, err := ReadFile(c.SLOFile, MaxFile)
	err = reading(c.SLOFile, err)
	if err == nil {
		c.SLOs.Text = text
		c.SLOs.Set, c.SLOs.Warnings, err = ParseSLOs(c.SLOFile, text, rules.Options{})
	}
	check("SLO_FILE", err)
}

// ParseSLOs reads the text of a file of SLOs, headway's own or OpenSLO documents.
// Errors give the name and the line. Alerts that cannot work with the options are
// errors too.
func ParseSLOs(name string, text []byte, o rules.Options) (slo.Set, []slo.Warning, error) {
	set, warnings, err := slo.Parse(name, bytes.NewReader(text))
	if errors.Is(err, slo.ErrOpenSLO) {
		set, warnings, err = openslo.Parse(name, bytes.NewReader(text))
	}
	if err == nil {
		err = rules.Check(set, o).Err()
	}
	return set, warnings, err
}

// MaxFile bounds a configuration file, in bytes. headway reads it again while it runs.
const MaxFile = 1 << 20

// ReadFile reads a file of so many bytes at most; a larger one is an error.
func ReadFile(path string, most int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // a file that was only read has nothing to lose
	text, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("it is larger than %d bytes", most)
	}
	return text, err
}
