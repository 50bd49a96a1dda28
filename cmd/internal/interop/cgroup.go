package interop

import (
	"fmt"
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
	name := fmt.Sprintf("headway-test-%d", os.Getpid())
	for root, file := range map[string]string{"/sys/fs/cgroup/memory": "memory.limit_in_bytes", "/sys/fs/cgroup": "memory.max"} {
		group := filepath.Join(root, name)
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { _ = os.Remove(group) })
		if os.WriteFile(filepath.Join(group, file), []byte(strconv.Itoa(limit)), 0o600) == nil {
			return group, true
		}
	}
	return "", false
}
