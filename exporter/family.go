package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Family says which exchanges and chains an instrument draws from, and which labels it
// shares with the rest of the family.
type Family string

// The families. All but AnyOrigin and Process leave canaries out, and all but Sealed
// leave out exchanges inside TLS that headway did not open.
const (
	// GenAIClient and GenAIServer hold the instruments of the OpenTelemetry semantic
	// conventions, beside an application and beside a model server. They describe
	// exchanges of a known dialect only.
	GenAIClient Family = "gen_ai.client"
	GenAIServer Family = "gen_ai.server"
	// Traffic holds headway's own instruments about exchanges and chains.
	Traffic Family = "traffic"
	// Application holds those of Traffic for which the conventions have an instrument
	// beside a model server, but none beside an application.
	Application Family = "application"
	// AnyOrigin holds those of Traffic that canaries feed, too: a canary meets the same
	// rate limits, and costs headway the same work.
	AnyOrigin Family = "any_origin"
	// Sealed holds instruments about exchanges inside TLS. Times read from TLS records
	// are near the truth and not exact, so that they mix with no others.
	Sealed Family = "sealed"
	// Process holds instruments about the running program. They share no labels and
	// draw from nothing.
	Process Family = "process"
)

// draws says whether f's instruments draw from exchanges like r.
func (f Family) draws(r *exchange.Record) bool {
	canary, sealed := r.Origin == exchange.Canary, r.Mode == exchange.Sealed
	switch f {
	case GenAIClient:
		return !canary && !sealed && r.Role == exchange.Client && r.Operation != ""
	case GenAIServer:
		return !canary && !sealed && r.Role == exchange.Server && r.Operation != ""
	case Traffic:
		return !canary && !sealed
	case Application:
		return !canary && !sealed && r.Role == exchange.Client
	case AnyOrigin:
		return !sealed
	case Sealed:
		return !canary && sealed
	}
	return false
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
