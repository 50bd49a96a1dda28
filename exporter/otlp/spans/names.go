package spans

import "github.com/headway-sidecar/headway/exporter"

// names holds the attributes whose name depends on the version. An attribute with an empty
// name is not written.
type names struct{ cacheCreation, cacheWrite string }

func namesOf(v exporter.SemConv) names {
	switch v {
	case exporter.V01:
		return names{cacheWrite: usageCacheWrite}
	case exporter.Dup:
		return names{usageCacheCreation, usageCacheWrite}
	default:
		return names{cacheCreation: usageCacheCreation}
	}
}

// schemaOf is the schema URL of the scope. headway knows none of V01.
func schemaOf(v exporter.SemConv) string {
	if v == exporter.V01 {
		return ""
	}
	return "https://opentelemetry.io/schemas/1.41.0"
}

// Attributes of the semantic conventions v1.41.0. A test holds them against
// go.opentelemetry.io/otel/semconv.
const (
	operationName      = "gen_ai.operation.name"
	providerName       = "gen_ai.provider.name"
	requestModel       = "gen_ai.request.model"
	requestStream      = "gen_ai.request.stream"
	responseModel      = "gen_ai.response.model"
	finishReasons      = "gen_ai.response.finish_reasons"
	timeToFirstChunk   = "gen_ai.response.time_to_first_chunk"
	usageInput         = "gen_ai.usage.input_tokens"
	usageOutput        = "gen_ai.usage.output_tokens"
	usageCacheRead     = "gen_ai.usage.cache_read.input_tokens"
	usageCacheCreation = "gen_ai.usage.cache_creation.input_tokens"
	usageReasoning     = "gen_ai.usage.reasoning.output_tokens"
	serverAddress      = "server.address"
	serverPort         = "server.port"
	errorType          = "error.type"
	statusCode         = "http.response.status_code"
	resendCount        = "http.request.resend_count"
)

// usageCacheWrite is the name of usageCacheCreation after v1.41.0.
const usageCacheWrite = "gen_ai.usage.cache_write.input_tokens"

// headway's own.
const (
	origin             = "headway.origin"                 // app, canary
	probe              = "headway.probe"                  // of a canary: exchange.Record.Probe
	mode               = "headway.mode"                   // of exchange.Mode
	dialect            = "headway.dialect"                // openai-chat
	arrivalClock       = "headway.arrival.clock"          // of exchange.ArrivalClock
	outcome            = "headway.outcome"                // of exchange.Outcome
	usageSource        = "headway.usage.source"           // of exchange.Source
	usageInputSource   = "headway.usage.input_source"     // likewise, of the input where it is another one
	usageDelivered     = "headway.usage.delivered_tokens" // that a client that left had got
	costTotal          = "headway.cost.total"             // by the user's prices, in costCurrency
	costCurrency       = "headway.cost.currency"          // ISO 4217
	cacheMiss          = "headway.cache_miss.cause"       // of exchange.CacheMiss
	cacheChanged       = "headway.cache_miss.changed"     // of exchange.PromptPart
	cachePosition      = "headway.cache_miss.position"    // of the first message that the client changed, from 1
	cacheLost          = "headway.cache_miss.lost_tokens" // left in the cache, and not read from there
	timePerOutputToken = "headway.time_per_output_token"  // s, TPOT
	contentChunks      = "headway.content_chunks"         // all, kept or not
	tokenOffsets       = "headway.token_offsets_ms"       // see AppendOffsets
	stallLongest       = "headway.stall.longest"          // s, the longest wait inside the response's body
	stallBy            = "headway.stall.by"               // upstream, engine, proxy, client: who made it
	stallDuration      = "headway.stall.duration"         // s, of the event
	silencesCount      = "headway.silence.count"          // times of 10 s or longer without content
	silenceLongest     = "headway.silence.longest"        // s, of them
	waitUpstream       = "headway.wait.upstream"          // s, all waits for the upstream
	waitProxy          = "headway.wait.proxy"             // s, inside headway
	waitClient         = "headway.wait.client"            // s, for the client to take the response
	sloGood            = "headway.slo.good"               // whether the exchange met every SLO that judged it
	sloMissed          = "headway.slo.missed"             // {slo}:{indicator} for each miss
	samplingReason     = "headway.sampling.reason"        // of exchange.Sampling
	notes              = "headway.notes"                  // of exchange.Record
	enginePlaced       = "headway.engine.placed"          // the moment that places the child span
	engineDuration     = "headway.engine.duration"        // s, as the server told it
	chainID            = "headway.chain.id"               // 16 hex digits
	chainAttempt       = "headway.chain.attempt"          // from 1
	chainAttempts      = "headway.chain.attempts"         // how many
	chainJoinedBy      = "headway.chain.joined_by"        // the evidence; a list on the chain
	chainFallback      = "headway.chain.fallback"         // it asked another model or upstream
	chainAmbiguous     = "headway.chain.ambiguous"        // it may as well be of another chain
	chainOutcome       = "headway.chain.outcome"          // of exchange.ChainOutcome
	chainTTFT          = "headway.chain.ttft"             // s, from the start of the first attempt
	chainSlept         = "headway.chain.slept"            // s, between attempts
	chainIgnored       = "headway.chain.retry_after_ignored"
	wastedTime         = "headway.chain.wasted.time"          // s, in attempts that did not end well
	wastedInput        = "headway.chain.wasted.input_tokens"  // read for nothing, as far as they are known
	wastedOutput       = "headway.chain.wasted.output_tokens" // thrown away, likewise
	wastedCauses       = "headway.chain.wasted.causes"        // error types of these attempts
	wastedTimes        = "headway.chain.wasted.times"         // s, for each of the causes
	turnID             = "headway.turn.id"                    // 16 hex digits
	turnSession        = "headway.session.id"                 // likewise
	turnCall           = "headway.turn.call"                  // from 1
	turnCalls          = "headway.turn.calls"                 // how many
	turnToolCalls      = "headway.turn.tool_calls"            // how many
	turnJoinedBy       = "headway.turn.joined_by"             // the evidence; a list on the turn
	turnAmbiguous      = "headway.turn.ambiguous"             // it may as well be of another session
	turnOutcome        = "headway.turn.outcome"               // of exchange.TurnOutcome
	turnModel          = "headway.turn.model"                 // s, in which models answered
	turnTool           = "headway.turn.tool"                  // s, in which tools ran
	turnHuman          = "headway.turn.human"                 // s, before the turn
	turnFirstAnswer    = "headway.turn.time_to_first_answer"  // s, of the turn
)

// Events.
const (
	firstTokenEvent  = "headway.first_token"
	firstAnswerEvent = "headway.first_answer"
	stallEvent       = "headway.stall"
	streamErrorEvent = "headway.stream_error"
)
