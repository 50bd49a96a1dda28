package sidecar

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
)

func TestAFileIsReadAgainWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		write := func(text string) {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		inForce, applied := "", 0
		w := &liveFile{path: path, log: slog.New(slog.DiscardHandler), apply: func(text []byte) error {
			applied++
			if string(text) == "wrong" {
				return errors.New("wrong")
			}
			inForce = string(text)
			return nil
		}}
		write("one")
		if err := w.load(); err != nil || inForce != "one" {
			t.Fatalf("loaded %q, %v", inForce, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		asked := make(chan os.Signal)
		go w.follow(ctx, asked)
		for _, step := range []struct {
			name    string
			do      func()
			want    string
			applied int
			failing bool
		}{
			{"nothing has changed", func() {}, "one", 1, false},
			{"it has changed", func() { write("two") }, "two", 2, false},
			{"it is wrong", func() { write("wrong") }, "two", 3, true},
			{"it is wrong still", func() {}, "two", 3, true},
			{"it is gone", func() { _ = os.Remove(path) }, "two", 3, true},
			{"it is back", func() { write("three") }, "three", 4, false},
			{"somebody asks", func() { asked <- nil }, "three", 5, false},
			{"it is gone again", func() { _ = os.Remove(path) }, "three", 5, true},
			{"it is back as it was", func() { write("three") }, "three", 6, false},
			{"it is too large", func() { write(string(make([]byte, config.MaxFile+1))) }, "three", 6, true},
		} {
			step.do()
			time.Sleep(reloadCheck + time.Millisecond)
			synctest.Wait()
			if inForce != step.want || applied != step.applied || w.failed.Load() != step.failing {
				t.Errorf("%s: %q in force, applied %d times, failing %v", step.name, inForce, applied, w.failed.Load())
			}
		}
		cancel()
		synctest.Wait()
	})
}
