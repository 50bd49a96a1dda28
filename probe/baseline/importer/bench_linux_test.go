package importer_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// BenchmarkGigabyte imports a true file of 1 GB, and says how much it reads in a second of
// one core, by the time of the processor, and the most memory that the process had
// meanwhile. Run it with -benchtime 1x: making the file takes longer than reading it.
func BenchmarkGigabyte(b *testing.B) {
	const size = 1 << 30
	for _, one := range largeResults() {
		b.Run(one.name, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), "result")
			if err := write(name, one.reader(size)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				before := processorTime(b)
				if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
					b.Fatal(err)
				}
				if err := importFile(name, one.facts); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(size/1e6/(processorTime(b)-before), "MB/core-s")
				b.ReportMetric(peakMemory(b), "peak-MB")
			}
		})
	}
}

func write(name string, from io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, from); err != nil {
		return err
	}
	return f.Close()
}

func importFile(name string, facts importer.Facts) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = importer.Import([]importer.File{{Name: name, Body: f}}, importer.Options{Facts: facts})
	return err
}

// processorTime is what the process has used, in seconds.
func processorTime(b *testing.B) float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// peakMemory is the most memory since clear_refs was written, in MB.
func peakMemory(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if rest, is := bytes.CutPrefix(lines.Bytes(), []byte("VmHWM:")); is {
			kb, err := strconv.ParseFloat(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024 / 1e6
		}
	}
	b.Fatal("no VmHWM in /proc/self/status")
	return 0
}
