package main

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stampArrivals makes the connection tell onRead when the kernel got the bytes, and not when they were read.
// The wall clock, by which the kernel stamps, is ahead of the poller's by so much.
func (c *conn) stampArrivals(ahead int64) error {
	const software = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, software); err != nil {
		return fmt.Errorf("asking for the times of arrival: %w", err)
	}
	c.stamped, c.ahead = true, ahead
	return nil
}

// readStamped reads as read(2) does. It also returns the time on the wall clock at which the kernel got the last
// of the bytes (Documentation/networking/timestamping.rst, SCM_TIMESTAMPING), or 0 if the kernel did not note it.
func readStamped(fd int, p []byte) (n int, arrived int64, err error) {
	var control [256]byte
	n, length, _, _, err := unix.Recvmsg(fd, p, control[:], 0)
	if err != nil {
		return 0, 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	if err != nil {
		return 0, 0, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPING && len(m.Data) >= int(unsafe.Sizeof(unix.ScmTimestamping{})) {
			arrived = (*unix.ScmTimestamping)(unsafe.Pointer(&m.Data[0])).Ts[0].Nano()
		}
	}
	return n, arrived, nil
}
