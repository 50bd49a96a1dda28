package interop

import (
	"testing"
	"time"
)

// Patience is the time that a test gives to something which should take a moment.
const Patience = 10 * time.Second

// Until waits until a condition holds, for Patience at most. It looks every
// millisecond, for conditions that are cheap to look at.
func Until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not", what)
		}
	}
}

// Eventually calls check, every 50 ms, until it returns no error. When patience is
// over it fails the test with the last error.
func Eventually(t *testing.T, patience time.Duration, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("not within %s: %v", patience, err)
}
