package exchange

// Meaning says in a few words how an exchange with that outcome ended, for people who read
// a table. It is empty for an outcome that does not exist.
func (o Outcome) Meaning() string {
	switch o {
	case OK:
		return "answered"
	case ClientGone:
		return "the client left before the response was whole"
	case Refused:
		return "turned away: 429, 503, 529 or headway stopping"
	case HTTPError:
		return "another error status"
	case StreamError:
		return "an error inside a response that began well"
	case UpstreamCut:
		return "the upstream ended before its response was whole"
	case Timeout:
		return "a time limit of headway ended it"
	case ConnectError:
		return "no connection to the upstream"
	case Drained:
		return "headway had to stop"
	}
	return ""
}

// Meaning says in a few words how a call with that outcome ended.
func (o ChainOutcome) Meaning() string {
	switch o {
	case FirstTry:
		return "answered at once"
	case Recovered:
		return "answered after failed attempts"
	case Exhausted:
		return "the last attempt failed, and no other followed"
	case Abandoned:
		return "the client left its last attempt"
	}
	return ""
}

// Meaning says for people how a turn ended.
func (o TurnOutcome) Meaning() string {
	switch o {
	case TurnAnswered:
		return "a response without tool calls"
	case TurnFailed:
		return "its last call failed"
	case TurnAbandoned:
		return "the client left, or brought no results of tools"
	case TurnUnknown:
		return "headway did not see its end"
	}
	return ""
}
