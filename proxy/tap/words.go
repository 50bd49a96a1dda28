package tap

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// keyword is a name that the transcript knows.
type keyword uint8

const (
	inMessages keyword = iota + 1
	inEnvelope
	inMetadata
	inToolChoice
	inCacheControl
	inRole
	inType
	inToolCallID
	inCallID
	inToolUseID
	inFunctionResponse
	inID
	inConversationID
	inUserID
	inCacheKey // from here on, names that a request itself has
	inPrevious
	inConversation
	inUser
	inSession
	inThread
	endKeys

	firstMark, lastMark = inCacheKey, inThread
)

// marks are the markers of the names.
var marks = [endKeys]exchange.Marker{
	inCacheKey: sdk.CacheKey, inConversation: sdk.Conversation, inConversationID: sdk.ThreadName,
	inUser: sdk.EndUser, inUserID: sdk.EndUser, inSession: sdk.ThreadName, inThread: sdk.ThreadName,
}

func keywordOf(name []byte) keyword {
	switch string(name) {
	case "messages", "input", "contents":
		return inMessages
	case "request":
		return inEnvelope
	case "metadata":
		return inMetadata
	case "tool_choice":
		return inToolChoice
	case "cache_control":
		return inCacheControl
	case "role":
		return inRole
	case "type":
		return inType
	case "tool_call_id":
		return inToolCallID
	case "call_id":
		return inCallID
	case "tool_use_id":
		return inToolUseID
	case "functionResponse", "function_response":
		return inFunctionResponse
	case "id":
		return inID
	case "conversation_id":
		return inConversationID
	case "user_id":
		return inUserID
	case "prompt_cache_key":
		return inCacheKey
	case "previous_response_id":
		return inPrevious
	case "conversation":
		return inConversation
	case "user", "safety_identifier":
		return inUser
	case "session_id":
		return inSession
	case "thread_id":
		return inThread
	}
	return 0
}
