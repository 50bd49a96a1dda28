package interop

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// LimitedCgroup makes a cgroup, of version 1 or 2, with a memory limit in bytes, and
// returns its directory. The end of the test removes it. It is not ok where the test may
// make none.
func LimitedCgroup(t *testing.T, limit int) (group string, ok bool) {
	t.Helper()
	for _, version := range []struct{ root, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		group, err := os.MkdirTemp(version.root, "headway-test-")
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(group) })
		// Where version 1 is in use, the other folder is a plain one, in which any file can be made.
		if _, err := os.Stat(filepath.Join(group, "cgroup.procs")); err != nil {
			continue
		}
		if os.WriteFile(filepath.Join(group, version.file), []byte(strconv.Itoa(limit)), 0o600) == nil {
			return group, true
		}
	}
	return "", false
}
