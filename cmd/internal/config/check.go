package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
)

// checkDir says why dir is no directory. No name is no problem.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%q is not a directory", dir)
	}
	return err
}

// checkWritable says why no file can be made in dir.
func checkWritable(dir string) error {
	if err := checkDir(dir); dir == "" || err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".headway-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// CheckAddress says why an address is not host:port, or returns nil.
func CheckAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%q has no valid port", address)
	}
	return nil
}

// checkFile says why no file can be at path. The right to write it shows only when it
// is opened.
func checkFile(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%q is a directory", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%q is in no directory that exists", path)
	}
	return nil
}

// OneOf says that v is none of the allowed words, or returns nil.
func OneOf[T ~string](v T, allowed ...T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return fmt.Errorf("%q is none of %q", v, allowed)
}

func within(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%d is not within %d and %d", n, low, high)
	}
	return nil
}
