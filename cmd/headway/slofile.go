package main

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

// slos is an SLO file as it was read at the start.
type slos struct {
	set      slo.Set
	text     []byte
	warnings []slo.Warning // about what is allowed and rarely meant
}

// readSLOFile reads the SLOs that c names, for the first time.
func (c *config) readSLOFile(check func(key string, err error)) {
	if c.SLOFile == "" {
		return
	}
	text, err := readBounded(c.SLOFile)
	if err == nil {
		c.slos.text = text
		c.slos.set, c.slos.warnings, err = parseSLOs(c.SLOFile, text, rules.Options{})
	}
	check("SLO_FILE", err)
}

// parseSLOs reads the text of a file of SLOs.
func parseSLOs(name string, text []byte, o rules.Options) (slo.Set, []slo.Warning, error) {
	set, warnings, err := slo.Parse(name, bytes.NewReader(text))
	if errors.Is(err, slo.ErrOpenSLO) {
		set, warnings, err = openslo.Parse(name, bytes.NewReader(text))
	}
	if err == nil {
		err = rules.Check(set, o).Err()
	}
	return set, warnings, err
}

// maxFile bounds a file that is read again while headway runs.
const maxFile = 1 << 20

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return text, err
}
