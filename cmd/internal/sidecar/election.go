package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/lease"
)

// election decides which of all processes with the same targets sends canaries. A nil
// election is a process without others.
type election struct {
	common lease.Config // of every Lease; without a name when that follows from the targets
	fixed  bool

	mu      sync.Mutex
	elector *lease.Elector // for the targets of the probe file
	name    string         // of its Lease
	renamed chan struct{}  // closed when elector is another one
}

// newElection returns the election that c asks for: none without probes, outside a
// cluster, or where c turns it off.
func newElection(c config.Config, log *slog.Logger) (*election, error) {
	if !c.Probing() || c.ProbeLease == config.LeaseOff {
		return nil, nil
	}
	server, err := lease.InCluster(c.Cluster.Host, c.Cluster.Port, c.Cluster.Credentials)
	switch {
	case errors.Is(err, lease.ErrOutside) && c.ProbeLease == config.LeaseAuto:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%sPROBE_LEASE: %w; with %[1]sPROBE_LEASE=off this process sends canaries whatever others do", config.Prefix, err)
	}
	host, _ := os.Hostname() // which is the name of the pod, unless its manifest sets another
	e := &election{common: lease.Config{Server: server, Identity: lease.Identity(cmp.Or(c.PodName, host)), Log: log}}
	if c.ProbeLease == config.LeaseAuto {
		e.common.Namespace, err = lease.Namespace(c.Cluster.Credentials)
	} else {
		e.fixed = true
		e.common.Namespace, e.common.Name, err = lease.ParseName(c.ProbeLease)
	}
	if err != nil {
		return nil, fmt.Errorf("%sPROBE_LEASE: %w", config.Prefix, err)
	}
	e.aim(c.Probes.List)
	return e, nil
}

// aim makes the election one among the processes that send these probes.
func (e *election) aim(probes []probe.Probe) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	with := e.common
	if !e.fixed {
		with.Name = lease.Name(targets(probes))
	}
	if e.elector != nil && with.Name == e.name {
		return
	}
	if e.renamed != nil {
		close(e.renamed)
	}
	e.elector, e.name, e.renamed = lease.New(with), with.Name, make(chan struct{})
}

// targets are what probes send canaries to.
func targets(probes []probe.Probe) []string {
	out := make([]string, len(probes))
	for i, p := range probes {
		out[i] = p.URL + " " + p.Model
	}
	return out
}

// present returns the Elector for the targets of now, and a channel that closes when they
// change.
func (e *election) present() (elector *lease.Elector, renamed <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.elector, e.renamed
}

// leads says whether this process may send a canary now. It is safe for concurrent use.
func (e *election) leads() bool {
	if e == nil {
		return true
	}
	elector, _ := e.present()
	return elector.Leads()
}

// probeLeader returns the function that says whether this process sends the canaries of its
// fleet, or nil without probes.
func (s *Sidecar) probeLeader() func() bool {
	if !s.config.Probing() {
		return nil
	}
	return after(s.wired, func() bool { return s.probes.election.leads() })
}

// run calls send while this process is the one that sends, until ctx ends. The context of
// send ends with the right to send.
func (e *election) run(ctx context.Context, send func(context.Context)) {
	if e == nil {
		send(ctx)
		return
	}
	for ctx.Err() == nil {
		elector, renamed := e.present()
		within, end := context.WithCancel(ctx)
		over := make(chan struct{})
		go func() {
			defer close(over)
			select {
			case <-renamed:
				end()
			case <-within.Done():
			}
		}()
		elector.Run(within, send)
		end()
		<-over
	}
}
