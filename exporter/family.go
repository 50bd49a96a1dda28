package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Family says which exchanges and chains an instrument draws from, and which labels it
// shares with the rest of the family.
type Family uint8

// The families. All but AnyOrigin, Canaries and Process leave canaries out, and all but Sealed
// leave out exchanges inside TLS that headway did not open. None draws from a connection
// that was upgraded: headway_connections_total counts those.
const (
	// GenAIClient and GenAIServer hold the instruments of the OpenTelemetry semantic
	// conventions, beside an application and beside a model server. They describe
	// exchanges of a known dialect only.
	GenAIClient Family = iota
	GenAIServer
	// Traffic holds headway's own instruments about exchanges and chains.
	Traffic
	// Application holds those of Traffic for which the conventions have an instrument
	// beside a model server, but none beside an application.
	Application
	// AnyOrigin holds those of Traffic that canaries feed, too: a canary meets the same
	// rate limits, and costs headway the same work.
	AnyOrigin
	// Canaries holds those about canaries, and no other exchange.
	Canaries
	// Sealed holds instruments about exchanges inside TLS. Times read from TLS records
	// are near the truth and not exact, so that they mix with no others.
	Sealed
	// Process holds instruments about the running program. They share no labels and
	// draw from nothing.
	Process
)

// families says of every Family whether it draws from an exchange.
type families [Process + 1]bool

// familiesOf tells the families that draw from exchanges like r. Asking once for all of
// them is quicker than asking for every instrument.
func familiesOf(r *exchange.Record) (f families) {
	if r.Mode == exchange.Upgraded { // a session has no times of a request
		return f
	}
	open := r.Mode != exchange.Sealed
	f[AnyOrigin] = open
	if r.Origin == exchange.Canary {
		f[Canaries] = open
		return f
	}
	f[Sealed] = !open
	f[Traffic] = open
	f[Application] = open && r.Role == exchange.Client
	f[GenAIClient] = open && r.Role == exchange.Client && r.Operation != ""
	f[GenAIServer] = open && r.Role == exchange.Server && r.Operation != ""
	return f
}

// labels lists the labels that f's instruments share, in order.
func (f Family) labels() []string {
	switch f {
	case GenAIClient, GenAIServer:
		return []string{
			"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
			"gen_ai.response.model", "server.address", "server.port",
		}
	case Process:
		return nil
	}
	return []string{"operation", "model", "upstream"}
}
