package reading

// Guide is the row of an API in docs/dialects.md: text for a reader, in Markdown.
type Guide struct {
	Request    string // how headway recognises a request
	FirstToken string // the first part of a stream that is a generated token
	Usage      string // where the counts of tokens stand
	End        string // how a stream ends; empty where there is none
	Reference  string // address of the API's own documentation
}
