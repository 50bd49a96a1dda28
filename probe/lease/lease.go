// Package lease lets one process of many act: the one that holds a Lease of the
// Kubernetes API, coordination.k8s.io/v1. headway sends canaries from one prober only,
// however many run.
//
// The rules are those of leader election in client-go, which would add megabytes to the
// program for three kinds of request. A process never compares its clock with another's.
// It waits until it has seen one and the same record for the time that the record names,
// by its own monotonic clock, and takes the Lease then. The API server refuses a write
// that does not follow from the newest version of the Lease, so that of two writers one
// loses.
package lease

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The times of an election. Others take the Lease of a holder that died at most
// Duration + AskPeriod after its last renewal, which is 12 s. A holder that cannot renew
// stops RenewDeadline after it began its last renewal, so 3 s or more before others
// begin: so long it has to cut the canaries under way.
const (
	Duration      = 9 * time.Second // a Lease that was not renewed for so long is free
	RenewDeadline = 6 * time.Second
	RenewPeriod   = 2 * time.Second
	AskPeriod     = 3 * time.Second // of processes that wait for the Lease; at least three quarters of it
)

// object is a Lease. Metadata goes back to the server as it came.
type object struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   json.RawMessage `json:"metadata"`
	Spec       record          `json:"spec"`
}

// record says who holds a Lease. A holder changes renewTime with every renewal; nobody
// compares it with a clock. Strategy and PreferredHolder belong to the server's own
// election of holders: they go back as they came.
type record struct {
	HolderIdentity       string `json:"holderIdentity"`
	LeaseDurationSeconds int64  `json:"leaseDurationSeconds"`
	AcquireTime          string `json:"acquireTime,omitempty"`
	RenewTime            string `json:"renewTime,omitempty"`
	LeaseTransitions     int64  `json:"leaseTransitions"`
	Strategy             string `json:"strategy,omitempty"`
	PreferredHolder      string `json:"preferredHolder,omitempty"`
}

// duration is how long the record keeps others out after its last change.
func (r *record) duration() time.Duration {
	const longest = 1 << 31 // seconds: the field has 32 bits
	if r.LeaseDurationSeconds <= 0 || r.LeaseDurationSeconds > longest {
		return Duration
	}
	return time.Duration(r.LeaseDurationSeconds) * time.Second
}

// renewed is the record after identity has taken or renewed the Lease.
func (r record) renewed(identity string, now time.Time) record {
	at := now.UTC().Format("2006-01-02T15:04:05.000000Z07:00") // MicroTime of the Kubernetes API
	if r.HolderIdentity != identity {
		if r.RenewTime != "" {
			r.LeaseTransitions++ // to another holder than the one before
		}
		r.AcquireTime = at
	}
	r.HolderIdentity, r.RenewTime = identity, at
	r.LeaseDurationSeconds = int64(Duration / time.Second)
	return r
}

// released is the record after its holder has given the Lease back.
func (r record) released() record {
	r.HolderIdentity = ""
	r.LeaseDurationSeconds = 1 // the least that the server takes
	return r
}

// Identity returns a name for this process that no other process has: that of its pod, and
// a random number. A container that starts again in the same pod is another process.
func Identity(pod string) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return pod + "_" + hex.EncodeToString(random[:])
}

// Name is the name of the Lease for probers of the given targets. It does not depend on
// their order, and other targets have another name: two fleets that probe other things
// do not keep each other out.
func Name(targets []string) string {
	sum := sha256.New()
	for _, target := range slices.Compact(slices.Sorted(slices.Values(targets))) {
		fmt.Fprintf(sum, "%q\n", target)
	}
	return "headway-probe-" + hex.EncodeToString(sum.Sum(nil)[:5])
}

var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// ParseName cuts namespace/name. Both must be names that Kubernetes allows.
func ParseName(text string) (namespace, name string, err error) {
	namespace, name, found := strings.Cut(text, "/")
	switch {
	case !found:
		return "", "", fmt.Errorf("%q is no namespace/name", text)
	case !label.MatchString(namespace):
		return "", "", fmt.Errorf("%q is no namespace/name: no namespace is called %q", text, namespace)
	case !subdomain.MatchString(name) || len(name) > 253:
		return "", "", fmt.Errorf("%q is no namespace/name: no Lease is called %q", text, name)
	}
	return namespace, name, nil
}
