package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/slo/spelling"
)

// checkDir returns an error if dir is no directory. An empty dir is no error.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory", quoted(dir))
	}
	return reading(dir, err)
}

// reading returns err, an error about the file or directory at path, with the path as it
// was written before it: the errors of libraries often have it changed, or not at all.
func reading(path string, err error) error {
	var of *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &of):
		return fmt.Errorf("%s: %w", quoted(path), of.Err)
	}
	return fmt.Errorf("%s: %w", quoted(path), err)
}

// checkWritable returns an error if headway cannot create a file in dir.
func checkWritable(dir string) error {
	if err := checkDir(dir); dir == "" || err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".headway-*")
	if err != nil {
		return reading(dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// CheckAddress returns an error if address is not host:port.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsAny(host, "/@ ") {
		return fmt.Errorf("%s is not host:port", quoted(address))
	}
	if host != "" {
		if err := proxy.CheckHost(host); err != nil {
			return fmt.Errorf("%s is not host:port: %w", quoted(address), err)
		}
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s has no valid port, which is a number from 0 to 65535", quoted(address))
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
		return fmt.Errorf("%s is a directory", quoted(path))
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is in no directory that exists", quoted(path))
	}
	return nil
}

// OneOf returns an error if v is none of the allowed words.
func OneOf[T ~string](v T, allowed ...T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	words := make([]string, len(allowed))
	for i, w := range allowed {
		words[i] = string(w)
	}
	err := fmt.Errorf("%s is none of %s", quoted(string(v)), strings.Join(words, ", "))
	if near := spelling.Nearest(string(v), words); len(near) > 0 {
		err = fmt.Errorf("%w: %s", err, spelling.Hint(string(v), words))
	}
	return err
}

// checkHostNames returns an error if one of names is more, or less, than a host.
func checkHostNames(names []string) error {
	for _, name := range names {
		if u, err := url.Parse("//" + name); err != nil || name == "" || u.Host != name || u.Port() != "" || strings.Contains(name, "*") {
			return predicate("is no list of host names without ports")
		}
	}
	return nil
}

func within(n, low, high int) error {
	if n < low || n > high {
		return predicate(fmt.Sprintf("is not within %d and %d", low, high))
	}
	return nil
}
