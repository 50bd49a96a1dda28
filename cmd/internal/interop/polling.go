package interop

import (
	"testing"
	"time"
)

// Patience is the time after which a test gives up on something that should take a
// moment.
const Patience = 10 * time.Second

// Until waits until holds returns true, for Patience at most. It calls holds every
// millisecond, so holds must be cheap. what names the condition in the failure.
func Until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not", what)
		}
	}
}

// Eventually calls check, every 50 ms, until it returns no error. After patience it
// fails the test with the last error. It is for checks that cost more, or that take
// long to succeed.
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
