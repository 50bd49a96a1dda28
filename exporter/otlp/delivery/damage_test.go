package delivery_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// image is a copy of a spool's files that a test can damage.
type image struct {
	position []byte
	segments map[string][]byte
}

// imageOf copies the spool in dir.
func imageOf(t testing.TB, dir string) image {
	t.Helper()
	i := image{segments: map[string][]byte{}}
	i.position = readFile(t, filepath.Join(dir, "traces", "position"))
	for _, name := range segmentFiles(t, dir) {
		i.segments[filepath.Base(name)] = readFile(t, name)
	}
	return i
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// lay replaces the spool in dir with the image.
func (i image) lay(t testing.TB, dir string) {
	t.Helper()
	path := filepath.Join(dir, "traces")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"position": i.position}
	for name, p := range i.segments {
		files[name] = p
	}
	for name, p := range files {
		if err := os.WriteFile(filepath.Join(path, name), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATornTailCostsTheTornEntryOnly(t *testing.T) {
	const head = 16 // bytes of the head of a segment, and of an entry
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	payloads := []string{"a", "bbbbbbbbbb", "cc", noise(60), "e"}
	fill(t, spoolOf(dir), payloads...)
	whole := imageOf(t, dir)
	if len(whole.segments) != 1 {
		t.Fatalf("%d segments", len(whole.segments))
	}
	for name, full := range whole.segments {
		for cut := 0; cut <= len(full); cut++ {
			whole.segments[name] = full[:cut]
			whole.lay(t, dir)
			var want []string
			wantDropped := uint64(0)
			for i, at := 0, head; i < len(payloads) && at < cut; i++ {
				end := at + head + len(payloads[i])
				switch {
				case end <= cut:
					want = append(want, payloads[i])
				case at+head <= cut:
					wantDropped = uint64(i + 1) // the head of the entry has its items
				default:
					wantDropped = 1
				}
				at = end
			}
			got, dropped := deliverAll(t, dir, url, to)
			if !slices.Equal(got, want) || dropped != wantDropped {
				t.Fatalf("cut at %d of %d: delivered %q and dropped %d, want %q and %d", cut, len(full), got, dropped, want, wantDropped)
			}
		}
	}
}

// Whatever byte of a segment is wrong, the queue delivers an item or counts it as dropped
// when another segment follows: that segment knows how many items there were.
func TestAQueueCountsTheItemsOfADamagedSegmentExactly(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	first, second := []string{"a", "bbbbbbbbbb", "cc"}, []string{"dddd", "e"}
	fill(t, spoolOf(dir), first...)
	fill(t, spoolOf(dir), second...)
	whole := imageOf(t, dir)
	if len(whole.segments) != 2 {
		t.Fatalf("%d segments", len(whole.segments))
	}
	const items = 1 + 2 + 3 + 1 + 2
	worth := map[string]uint64{"a": 1, "bbbbbbbbbb": 2, "cc": 3, "dddd": 1, "e": 2}
	name := filepath.Base(slices.Sorted(maps.Keys(whole.segments))[0])
	full := whole.segments[name]
	for at := range full {
		whole.segments[name] = bytes.Clone(full)
		whole.segments[name][at] ^= 0x41
		whole.lay(t, dir)
		got, dropped := deliverAll(t, dir, url, to)
		if !slices.Equal(got[max(0, len(got)-2):], second) {
			t.Fatalf("byte %d: the next segment came as %q", at, got)
		}
		sum := dropped
		for _, p := range got {
			sum += worth[p]
		}
		if sum != items || dropped == 0 {
			t.Fatalf("byte %d: delivered %q and dropped %d, want %d together", at, got, dropped, items)
		}
	}
}

func TestAQueueSendsFinishedEntriesAgainWhenThePositionIsDamaged(t *testing.T) {
	dir, to := t.TempDir(), &hooks{}
	url := startHTTP(t, to)
	fill(t, spoolOf(dir), numbered(0, 3)...)
	deliverSome(t, dir, 2)
	whole := imageOf(t, dir)
	for at := range whole.position {
		kept := whole.position[at]
		whole.position[at] ^= 0x10
		whole.lay(t, dir)
		whole.position[at] = kept
		got, dropped := deliverAll(t, dir, url, to)
		wantNames(t, got, numbered(0, 3))
		if dropped != 0 {
			t.Errorf("byte %d: dropped %d", at, dropped)
		}
	}
	whole.lay(t, dir)
	got, _ := deliverAll(t, dir, url, to)
	wantNames(t, got, numbered(2, 3))
}

// FuzzDamage lays bytes over a spool of two segments and its position. Whatever the bytes
// are, the queue delivers only payloads that the test sent, in their order.
func FuzzDamage(f *testing.F) {
	dir := f.TempDir()
	to := &hooks{}
	url := startHTTP(f, to)
	sent := []string{"one", "second", "third payload", "4", "fifth"}
	fill(f, spoolOf(dir), sent[:3]...)
	fill(f, spoolOf(dir), sent[3:]...)
	whole := imageOf(f, dir)
	names := slices.Sorted(maps.Keys(whole.segments))
	f.Add(uint8(0), 20, []byte{1, 2, 3}, 0)
	f.Add(uint8(1), 0, []byte("hwq2"), 5)
	f.Add(uint8(1), 0, []byte("hwq1"), 5)
	f.Add(uint8(2), 8, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 0)
	f.Add(uint8(0), 16, bytes.Repeat([]byte{0xff}, 16), 0)
	f.Add(uint8(0), 0, []byte{}, 10)
	f.Fuzz(func(t *testing.T, file uint8, at int, over []byte, cut int) {
		damaged := image{position: bytes.Clone(whole.position), segments: map[string][]byte{}}
		for name, p := range whole.segments {
			damaged.segments[name] = damage(p, at, over, cut)
			if name != names[file%2] || file%3 == 2 {
				damaged.segments[name] = p
			}
		}
		if file%3 == 2 {
			damaged.position = damage(whole.position, at, over, cut)
		}
		damaged.lay(t, dir)
		got, _ := deliverAll(t, dir, url, to)
		rest := sent
		for _, p := range got {
			i := slices.Index(rest, p)
			if i < 0 {
				t.Fatalf("delivered %q of %q", got, sent)
			}
			rest = rest[i+1:]
		}
	})
}

// damage cuts bytes off the end of p and lays others over it.
func damage(p []byte, at int, over []byte, cut int) []byte {
	p = bytes.Clone(p)
	p = p[:len(p)-min(max(cut, 0), len(p))]
	if at >= 0 && at <= len(p) {
		p = append(p[:at], append(bytes.Clone(over), p[min(len(p), at+len(over)):]...)...)
	}
	return p
}
