package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// chunkSamples is how many samples Prometheus puts into a chunk.
const chunkSamples = 120

// stored is a series of a block. Series may share the same samples; each has them in the file
// of its own.
type stored struct {
	of      labels.Labels
	samples []chunks.Meta
}

// encoded returns samples as Prometheus stores them, the value of each from its number.
func encoded(times []int64, value func(i int) float64) ([]chunks.Meta, error) {
	var all []chunks.Meta
	for part := range slices.Chunk(times, chunkSamples) {
		chunk := chunkenc.NewXORChunk()
		to, err := chunk.Appender()
		if err != nil {
			return nil, fmt.Errorf("encoding samples: %w", err)
		}
		for i, at := range part {
			to.Append(0, at, value(len(all)*chunkSamples+i))
		}
		all = append(all, chunks.Meta{Chunk: chunk, MinTime: part[0], MaxTime: part[len(part)-1]})
	}
	return all, nil
}

// block writes series as one block of Prometheus' database in the folder data. The block is
// its number among those in the folder.
func block(data string, number int, series []stored) (err error) {
	id := fmt.Sprintf("01JD%022d", number) // a ULID
	dir := filepath.Join(data, id)
	slices.SortFunc(series, func(a, b stored) int { return labels.Compare(a.of, b.of) })
	chunkFiles, err := chunks.NewWriter(filepath.Join(dir, "chunks"))
	if err != nil {
		return fmt.Errorf("writing a block: %w", err)
	}
	defer func() { err = errors.Join(err, chunkFiles.Close()) }()
	to, err := index.NewWriter(context.Background(), filepath.Join(dir, "index"))
	if err != nil {
		return fmt.Errorf("writing a block: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for _, symbol := range symbols(series) {
		if err := to.AddSymbol(symbol); err != nil {
			return fmt.Errorf("writing a block: %w", err)
		}
	}
	m := blockMeta{ULID: id, Version: 1, Stats: map[string]int{"numSeries": len(series)}, Compaction: map[string]any{"level": 1, "sources": []string{id}}}
	for i, s := range series {
		own := slices.Clone(s.samples)
		if err := errors.Join(chunkFiles.WriteChunks(own...), to.AddSeries(storage.SeriesRef(i), s.of, own...)); err != nil {
			return fmt.Errorf("writing %s: %w", s.of, err)
		}
		m.add(own)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing a block: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "meta.json"), text, 0o600)
}

// symbols lists the names and values of labels, each once, in order.
func symbols(series []stored) []string {
	seen := map[string]struct{}{}
	for _, s := range series {
		s.of.Range(func(l labels.Label) { seen[l.Name], seen[l.Value] = struct{}{}, struct{}{} })
	}
	all := make([]string, 0, len(seen))
	for s := range seen {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// blockMeta is the file meta.json of a block.
type blockMeta struct {
	ULID       string         `json:"ulid"`
	MinTime    int64          `json:"minTime"`
	MaxTime    int64          `json:"maxTime"` // exclusive
	Stats      map[string]int `json:"stats"`
	Compaction map[string]any `json:"compaction"`
	Version    int            `json:"version"`
}

func (m *blockMeta) add(all []chunks.Meta) {
	for _, c := range all {
		if m.MinTime == 0 || c.MinTime < m.MinTime {
			m.MinTime = c.MinTime
		}
		m.MaxTime = max(m.MaxTime, c.MaxTime+1)
		m.Stats["numSamples"] += c.Chunk.NumSamples()
		m.Stats["numChunks"]++
	}
}
