package prometheus

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	client "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// atOnce is how many series are in memory as messages at the same time: a histogram with
// all its buckets is some 10 kB.
const atOnce = 64

// exposition writes metric families one after the other, as promhttp would write them.
// promhttp gathers all series as messages before it writes the first: 100,000 of them
// take 200 MB.
type exposition struct {
	to     io.Writer
	format expfmt.Format
	buffer bytes.Buffer
	few    dto.MetricFamily // the series in memory, used again and again
	out    []byte           // one encoded family, used again and again
}

// write writes families and the present series of drawn, both together in the order of
// their names. Families are in that order. It leaves out those that wanted is false for.
func (x *exposition) write(families []*dto.MetricFamily, drawn []drawnFamily, wanted func(name string) bool) error {
	for _, d := range drawn {
		for len(families) > 0 && families[0].GetName() < d.head.GetName() {
			if err := x.whole(families[0], wanted); err != nil {
				return err
			}
			families = families[1:]
		}
		if wanted(d.head.GetName()) {
			if err := x.series(d.head, sorted(d.family)); err != nil {
				return fmt.Errorf("writing %s: %w", d.head.GetName(), err)
			}
		}
	}
	for _, f := range families {
		if err := x.whole(f, wanted); err != nil {
			return err
		}
	}
	return x.end()
}

// drawnFamily is a family and its head: a message without series.
type drawnFamily struct {
	family
	head *dto.MetricFamily
}

func (x *exposition) whole(f *dto.MetricFamily, wanted func(name string) bool) error {
	if !wanted(f.GetName()) {
		return nil
	}
	if err := expfmt.NewEncoder(x.to, x.format).Encode(f); err != nil {
		return fmt.Errorf("writing %s: %w", f.GetName(), err)
	}
	return nil
}

// series writes one family, a few series at a time.
func (x *exposition) series(head *dto.MetricFamily, all []row) error {
	switch x.format.FormatType() {
	case expfmt.TypeTextPlain, expfmt.TypeOpenMetrics:
		return x.lines(head, all)
	case expfmt.TypeProtoDelim:
		return x.message(head, all)
	}
	// The forms for people's eyes.
	for few := range slices.Chunk(all, atOnce) {
		f, err := x.load(head, few)
		if err != nil {
			return err
		}
		if err := expfmt.NewEncoder(x.to, x.format).Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// lines writes a family as text. The encoder begins every message with the family's head,
// which belongs before the first series only.
func (x *exposition) lines(head *dto.MetricFamily, all []row) error {
	first := true
	for few := range slices.Chunk(all, atOnce) {
		f, err := x.load(head, few)
		if err != nil {
			return err
		}
		x.buffer.Reset()
		if err := expfmt.NewEncoder(&x.buffer, x.format).Encode(f); err != nil {
			return err
		}
		text := x.buffer.Bytes()
		for !first && len(text) > 0 && text[0] == '#' {
			text = text[bytes.IndexByte(text, '\n')+1:]
		}
		first = false
		if _, err := x.to.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// seriesField is the number of MetricFamily's field with the series.
const seriesField = 4

// message writes a family as one message behind its length. Only its encoded bytes are in
// memory at once: a tenth of the messages.
func (x *exposition) message(head *dto.MetricFamily, all []row) error {
	if len(all) == 0 {
		return nil
	}
	scheme := x.format.ToEscapingScheme()
	out, err := proto.MarshalOptions{}.MarshalAppend(x.out[:0], model.EscapeMetricFamily(head, scheme))
	if err != nil {
		return err
	}
	for few := range slices.Chunk(all, atOnce) {
		f, err := x.load(head, few)
		if err != nil {
			return err
		}
		for _, m := range model.EscapeMetricFamily(f, scheme).GetMetric() {
			out = protowire.AppendTag(out, seriesField, protowire.BytesType)
			out = protowire.AppendVarint(out, uint64(proto.Size(m)))
			if out, err = (proto.MarshalOptions{}).MarshalAppend(out, m); err != nil {
				return err
			}
		}
	}
	x.out = out
	if _, err := x.to.Write(protowire.AppendVarint(nil, uint64(len(out)))); err != nil {
		return err
	}
	_, err = x.to.Write(out)
	return err
}

// end writes the line that ends OpenMetrics.
func (x *exposition) end() error {
	if closer, ok := expfmt.NewEncoder(x.to, x.format).(expfmt.Closer); ok {
		return closer.Close()
	}
	return nil
}

// row is one series of a family, and its labels for sorting.
type row struct {
	client.Metric
	labels []*dto.LabelPair
}

// sorted lists the series of f in the order of their labels, as client_golang's registry
// does.
func sorted(f family) []row {
	to := make(chan client.Metric, atOnce)
	go func() {
		defer close(to)
		f.Collect(to)
	}()
	var all []row
	for m := range to {
		all = append(all, row{m, labelsOf(m)})
	}
	slices.SortFunc(all, func(a, b row) int {
		for i := range a.labels {
			if order := cmp.Compare(a.labels[i].GetValue(), b.labels[i].GetValue()); order != 0 {
				return order
			}
		}
		return 0
	})
	return all
}

func labelsOf(m client.Metric) []*dto.LabelPair {
	if h, ok := m.(*histogram); ok {
		return h.labels
	}
	var out dto.Metric
	_ = m.Write(&out) // counters and gauges give no error; load would return it
	return out.GetLabel()
}

// load returns head with these series, at most atOnce, until the next call.
func (x *exposition) load(head *dto.MetricFamily, rows []row) (*dto.MetricFamily, error) {
	f := &x.few
	f.Name, f.Help, f.Type = head.Name, head.Help, head.Type
	f.Metric = slices.Grow(f.Metric[:0], atOnce)[:len(rows)]
	for i, r := range rows {
		if f.Metric[i] == nil {
			f.Metric[i] = new(dto.Metric)
		}
		m := f.Metric[i]
		m.Counter, m.Gauge = nil, nil
		if head.GetType() != dto.MetricType_HISTOGRAM {
			m.Histogram = nil
		}
		if err := r.Write(m); err != nil {
			return nil, err
		}
	}
	return f, nil
}
