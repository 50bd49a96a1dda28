package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
)

// checkDir returns an error if dir is no directory. An empty dir is no error.
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

// checkWritable returns an error if headway cannot create a file in dir.
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

// CheckAddress returns an error if address is not host:port.
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

// checkFile returns an error if there can be no file at path. It does not check the
// right to write: only opening the file shows that.
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

// OneOf returns an error if v is none of the allowed words.
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
