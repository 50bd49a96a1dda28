package config

import (
	"bytes"
	"errors"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// MaxBaseline bounds the baseline file, in bytes: some 2,000 cells.
const MaxBaseline = 16 << 20

// Tested is the content of a baseline file. The zero value stands for no file. headway demo
// brings its own content, without a file.
type Tested struct {
	Baseline baseline.Baseline
	Text     []byte
}

// readBaselineFile reads the baseline file, if there is one.
func (c *Config) readBaselineFile(f *findings) {
	if c.BaselineFile == "" {
		return
	}
	text, err := ReadFile(c.BaselineFile, MaxBaseline)
	if err == nil {
		c.Tested.Text = text
		c.Tested.Baseline, err = ParseBaseline(text)
	}
	f.check("BASELINE_FILE", reading(c.BaselineFile, err))
}

// ParseBaseline reads the text of a baseline file. A file without a cell has nothing to
// compare with.
func ParseBaseline(text []byte) (baseline.Baseline, error) {
	b, err := baseline.Read(bytes.NewReader(text))
	if err == nil && len(b.Cells) == 0 {
		err = errors.New("it has no cell; headway baseline import makes one of the result of a load test")
	}
	return b, err
}
