package injector

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// remembered is how long the injector uses what it read of a namespace. A label of a
// namespace takes effect within this time.
const remembered = 10 * time.Second

// unreadable is how long it goes by the pod's word alone after a namespace could not be read.
const unreadable = time.Second

// mostNamespaces is how many namespaces are remembered, some 200 bytes each.
const mostNamespaces = 5000

// matters says whether a label or an annotation of a namespace changes what its pods get. The
// others are not kept: an annotation may have 256 KiB.
func matters(key string) bool {
	return slices.Contains([]string{Inject, Strict, istioInjection, istioRevision, linkerdInject, podSecurityLevel}, key)
}

// namespaces remembers the namespaces of the last pods. It is safe for concurrent use.
type namespaces struct {
	cluster *Cluster
	log     *slog.Logger

	mu    sync.Mutex
	known map[string]known
}

type known struct {
	namespace *Namespace
	until     time.Time
}

// get returns the namespace of that name. If it cannot be read, it counts as one that asks
// for sidecars: the webhook configuration has selected the pod.
func (n *namespaces) get(ctx context.Context, name string) *Namespace {
	n.mu.Lock()
	found, ok := n.known[name]
	n.mu.Unlock()
	if ok && time.Now().Before(found.until) {
		return found.namespace
	}
	ns, lasts := &Namespace{Name: name, Labels: map[string]string{Inject: "enabled"}}, unreadable
	read, err := n.cluster.namespace(ctx, name)
	if err != nil {
		n.log.Debug("reading a namespace", "namespace", name, "problem", err.Error())
	} else {
		ns, lasts = &Namespace{Name: name, Labels: some(read.Labels), Annotations: some(read.Annotations)}, remembered
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= mostNamespaces {
		n.known = map[string]known{}
	}
	n.known[name] = known{ns, time.Now().Add(lasts)}
	return ns
}

// some returns the entries of all that matter.
func some(all map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range all {
		if matters(key) {
			kept[key] = value
		}
	}
	return kept
}
