package config

import (
	"github.com/headway-sidecar/headway/probe/lease"
)

// The words in place of the name of a Lease.
const (
	LeaseAuto = "auto" // in a cluster, the Lease that follows from the targets
	LeaseOff  = "off"
)

// Cluster is where a pod finds the API of its Kubernetes cluster.
type Cluster struct {
	Host, Port  string // empty outside a cluster
	Credentials string // folder with the token of the pod's service account
}

// readCluster reads what Kubernetes sets in every container, and checks the Lease by which
// the probers of a fleet choose one of them.
func (c *Config) readCluster(f *findings) {
	c.Cluster = Cluster{Host: f.values["KUBERNETES_SERVICE_HOST"], Port: f.values["KUBERNETES_SERVICE_PORT"], Credentials: lease.Credentials}
	if c.ProbeLease == LeaseAuto || c.ProbeLease == LeaseOff {
		return
	}
	_, _, err := lease.ParseName(c.ProbeLease)
	f.check("PROBE_LEASE", err)
}
