package injector

import (
	"context"
	"sync"
	"time"
)

// remembered is how long the injector uses what it read of a namespace. A label of a
// namespace takes effect within this time.
const remembered = 10 * time.Second

// mostNamespaces is how many namespaces are remembered, some 300 bytes each and their labels.
const mostNamespaces = 5000

// namespaces remembers the namespaces of the last pods. It is safe for concurrent use.
type namespaces struct {
	cluster *Cluster

	mu    sync.Mutex
	known map[string]known
}

type known struct {
	namespace *Namespace
	until     time.Time
}

// get returns the namespace of that name. With an error the namespace has its name alone.
func (n *namespaces) get(ctx context.Context, name string) (*Namespace, error) {
	n.mu.Lock()
	found, ok := n.known[name]
	n.mu.Unlock()
	if ok && time.Now().Before(found.until) {
		return found.namespace, nil
	}
	read, err := n.cluster.namespace(ctx, name)
	if err != nil {
		return &Namespace{Name: name}, err
	}
	ns := &Namespace{Name: name, Labels: read.Labels, Annotations: read.Annotations}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= mostNamespaces {
		n.known = map[string]known{}
	}
	n.known[name] = known{ns, time.Now().Add(remembered)}
	return ns, nil
}
