package sdk

import "github.com/headway-sidecar/headway/proxy/exchange"

// The places where clients name the session of a request, the strongest first.
const (
	ClaudeCodeSession exchange.Marker = iota + 1 // X-Claude-Code-Session-Id, or metadata.user_id
	Session                                      // session-id, session_id
	Affinity                                     // x-session-affinity
	Conversation                                 // conversation of the Responses API
	ThreadName                                   // session_id, thread_id and the like in the body
	CacheKey                                     // prompt_cache_key
	EndUser                                      // user, safety_identifier, metadata.user_id
	endMarkers
)

// Marker is what headway knows of a place where clients name sessions.
type Marker struct {
	// Alone says that the mark joins exchanges without other evidence. Many sessions share
	// a mark that does not: it tells sessions apart, and decides where evidence fits two.
	Alone  bool
	Places string // in documents
}

// markers is the table, each marker at its own number less 1.
var markers = [...]Marker{
	{true, "header `X-Claude-Code-Session-Id`; the session in `metadata.user_id` of Claude Code"},
	{true, "headers `session-id` and `session_id`"},
	{true, "header `x-session-affinity`"},
	{true, "`conversation`, or its `id`"},
	{true, "`session_id`, `thread_id`, and `session_id`, `thread_id`, `conversation_id` in `metadata`"},
	{false, "`prompt_cache_key`"},
	{false, "`user`, `safety_identifier`, `metadata.user_id`"},
}

// Markers lists the markers, the strongest first.
func Markers() []exchange.Marker {
	all := make([]exchange.Marker, 0, len(markers))
	for m := exchange.Marker(1); m < endMarkers; m++ {
		all = append(all, m)
	}
	return all
}

// Marking returns what headway knows of a marker.
func Marking(m exchange.Marker) Marker {
	if m == 0 || m >= endMarkers {
		return Marker{}
	}
	return markers[m-1]
}
