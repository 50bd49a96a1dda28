//go:build !linux && !darwin

package sockets

import "errors"

// Descriptors fails: the system has no limit that headway knows.
func Descriptors() (uint64, error) { return 0, errors.ErrUnsupported }
