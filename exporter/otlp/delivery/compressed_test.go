package delivery_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

// A bound that is a tenth of the payloads takes them all, because it counts the bytes on the
// disk, and the next process sends what the first was given.
func TestTheSpoolCompressesPayloads(t *testing.T) {
	const most = 100
	dir, to := t.TempDir(), &hooks{}
	cfg := spoolOf(dir)
	cfg.MaxBytes = delivery.LeastSpoolBytes
	var payloads []string
	for i := range most {
		payloads = append(payloads, fmt.Sprintf("%03d%s", i, strings.Repeat("chat model ", delivery.LeastSpoolBytes/110)))
	}
	q := open(t, cfg)
	for _, p := range payloads {
		q.Send([]byte(p), 1)
		waitFor(t, func() bool { return q.Bytes() < int64(len(p)) || q.Dropped() > 0 }) // it is on the disk
	}
	if err := abandon(q); err != nil {
		t.Fatal(err)
	}
	wantDropped(t, q, 0)
	if n := q.Bytes(); n > delivery.LeastSpoolBytes/2 {
		t.Errorf("%d bytes wait, of %d in the payloads", n, most*len(payloads[0]))
	}
	got, dropped := deliverAll(t, dir, startHTTP(t, to), to)
	wantNames(t, got, payloads)
	if dropped != 0 {
		t.Errorf("dropped %d", dropped)
	}
}

// olderSegment returns a segment as versions wrote it that did not compress: the older
// magic, and payloads as they came, of one item each.
func olderSegment(payloads ...string) []byte {
	sum := func(p []byte) []byte {
		return binary.LittleEndian.AppendUint32(p, crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	}
	segment := sum(binary.LittleEndian.AppendUint64([]byte("hwq1"), 0))
	for _, p := range payloads {
		head := binary.LittleEndian.AppendUint32(nil, uint32(len(p)))
		head = binary.LittleEndian.AppendUint32(head, 1)
		head = binary.LittleEndian.AppendUint32(head, crc32.Checksum([]byte(p), crc32.MakeTable(crc32.Castagnoli)))
		segment = append(append(segment, sum(head)...), p...)
	}
	return segment
}

func TestAQueueDeliversSegmentsOfAVersionThatDidNotCompress(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	older := []string{"a", strings.Repeat("b", 500)}
	writeFile(t, filepath.Join(dir, "traces", "0000000000000001.segment"), olderSegment(older...))
	fill(t, spoolOf(dir), strings.Repeat("c", 500))
	got, dropped := deliverAll(t, dir, startHTTP(t, to), to)
	wantNames(t, got, append(older, strings.Repeat("c", 500)))
	if dropped != 0 {
		t.Errorf("dropped %d", dropped)
	}
}

// An older version must not send compressed bytes, so that a new segment has the new magic.
func TestASegmentHasAMagicThatOlderVersionsSetAside(t *testing.T) {
	dir := t.TempDir()
	fill(t, spoolOf(dir), "a")
	for name, p := range imageOf(t, dir).segments {
		if !bytes.HasPrefix(p, []byte("hwq2")) {
			t.Errorf("%s begins with %.4q", name, p)
		}
	}
}

// Whatever byte of a compressed payload is wrong, the queue counts its items as dropped and
// sends the next payload.
func TestAQueueDropsADamagedCompressedPayload(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	fill(t, spoolOf(dir), strings.Repeat("chat ", 200), "next")
	whole := imageOf(t, dir)
	for name, full := range whole.segments {
		for at := 32; at < len(full)-20; at++ { // between the heads
			whole.segments[name] = bytes.Clone(full)
			whole.segments[name][at] ^= 0x41
			whole.lay(t, dir)
			got, dropped := deliverAll(t, dir, url, to)
			wantNames(t, got, []string{"next"})
			if dropped != 1 {
				t.Errorf("byte %d: dropped %d", at, dropped)
			}
		}
	}
}
