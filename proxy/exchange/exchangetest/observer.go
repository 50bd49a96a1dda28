package exchangetest

import (
	"sync"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Ledger is a ChainObserver and a TurnObserver that keeps everything. It is safe for concurrent
// use; its fields are not, while anybody observes.
type Ledger struct {
	mu      sync.Mutex
	Records []exchange.Record
	Chains  []exchange.Chain
	Turns   []exchange.WholeTurn
}

// Observe keeps r.
func (l *Ledger) Observe(r exchange.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Records = append(l.Records, r)
}

// ObserveChain keeps c.
func (l *Ledger) ObserveChain(c exchange.Chain) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Chains = append(l.Chains, c)
}

// ObserveTurn keeps t.
func (l *Ledger) ObserveTurn(t exchange.WholeTurn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Turns = append(l.Turns, t)
}

// Nowhere is an exchange.ChainObserver that keeps nothing.
type Nowhere struct{}

// Observe does nothing.
func (Nowhere) Observe(exchange.Record) {}

// ObserveChain does nothing.
func (Nowhere) ObserveChain(exchange.Chain) {}
