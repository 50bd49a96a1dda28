package baseline

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
)

// JSONSchema is the JSON Schema (draft 2020-12) of the file.
//
//go:embed schema.json
var JSONSchema string

// Write writes b. The same Baseline gives the same bytes.
func Write(w io.Writer, b Baseline) error {
	b.Schema = Schema
	if err := b.Check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	_, err = w.Write(append(oneLine(text), '\n'))
	return err
}

// Read reads a file strictly: it refuses unknown fields, another schema, anything behind
// the document, and whatever Check refuses.
func Read(r io.Reader) (Baseline, error) {
	var in bytes.Buffer
	in.Grow(sizeOf(r) + bytes.MinRead)
	if _, err := in.ReadFrom(r); err != nil {
		return Baseline{}, err
	}
	text := in.Bytes()
	if b, ok := quickly(text); ok && b.Schema == Schema {
		return b, b.Check()
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var b Baseline
	err := d.Decode(&b)
	end := min(d.InputOffset(), int64(len(text)))
	if err != nil || b.Schema != Schema || len(bytes.Trim(text[end:], " \t\r\n")) > 0 {
		if other := checkSchema(text); other != nil {
			return Baseline{}, other
		}
		return Baseline{}, located(text, end, err)
	}
	return b, b.Check()
}

// sizeOf is how many bytes r has if it is a file or in memory, so that one buffer is enough.
// It is 0 if unknown, and bounded.
func sizeOf(r io.Reader) int {
	var size int64
	switch r := r.(type) {
	case interface{ Len() int }:
		size = int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil {
			size = info.Size()
		}
	}
	return int(min(max(size, 0), 64<<20))
}

// checkSchema reads the name of the schema alone, so that a file of something else gets
// that answer, and not one about its first field. It refuses what is no single document.
func checkSchema(text []byte) error {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return located(text, 0, err)
	}
	if head.Schema != Schema {
		return fmt.Errorf("schema: %q; want %q: headway baseline import writes such a file", head.Schema, Schema)
	}
	return nil
}

// located names the line of an error of encoding/json.
func located(text []byte, at int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		return fmt.Errorf("line %d, %s: a %s; want a %s", lineAt(text, kind.Offset), kind.Field, kind.Value, kind.Type.Kind())
	}
	return fmt.Errorf("line %d: %w", lineAt(text, at), err)
}

func lineAt(text []byte, at int64) int {
	return 1 + bytes.Count(text[:min(max(at, 0), int64(len(text)))], []byte{'\n'})
}

// Name is the ID that c has, unless another cell of the file has it:
// llama-3.1-8b/in1024/out128/c16.
func (c *Cell) Name() string {
	load := "max"
	switch c.Load.Kind {
	case Concurrency:
		load = "c" + strconv.FormatFloat(c.Load.Value, 'g', 6, 64)
	case Rate:
		load = "r" + strconv.FormatFloat(c.Load.Value, 'g', 6, 64)
	}
	return fmt.Sprintf("%s/in%.0f/out%.0f/%s", c.Model, c.InputTokens.Mean, c.OutputTokens.Mean, load)
}

// Identify gives each cell its ID: its Name, and #2 behind it if it is the second.
func (b *Baseline) Identify() {
	seen := map[string]int{}
	for i := range b.Cells {
		c := &b.Cells[i]
		c.ID = c.Name()
		if seen[c.ID]++; seen[c.ID] > 1 {
			c.ID = fmt.Sprintf("%s#%d", c.ID, seen[c.ID])
		}
	}
}
