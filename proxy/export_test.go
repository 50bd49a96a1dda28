package proxy

// Framing is what a head says of its message's body.
type Framing struct {
	Chunked bool
	Length  int64 // -1 when it is not told
}

// ForwardedHead is the request head at the start of p as the upstream of r is to
// see it, the length of the head in p, and how it frames the body. It is not ok
// when there is none that may be forwarded.
func ForwardedHead(p []byte, r Route) (forwarded []byte, length int, f Framing, ok bool) {
	length = endOfHead(p, 0)
	if length == 0 {
		return nil, 0, Framing{}, false
	}
	var ps parsers
	head, err := ps.get().parseRequest(p[:length])
	if err != nil {
		return nil, length, Framing{}, false
	}
	f = Framing{Chunked: head.framing == chunked, Length: -1}
	if head.framing == sized {
		f.Length = int64(head.length)
	}
	return head.appendRequest(nil, &r), length, f, true
}

// Chunked follows a chunked body.
type Chunked struct{ body body }

// NewChunked returns a follower at the start of a chunked body.
func NewChunked() *Chunked { return &Chunked{body{framing: chunked}} }

// Advance is body.advance; content is copied.
func (c *Chunked) Advance(p []byte) (n int, content []byte, done bool, err error) {
	n, done, err = c.body.advance(p)
	for _, span := range c.body.spans {
		content = append(content, span...)
	}
	return n, content, done, err
}

// MaxHead bounds the head of a message.
const MaxHead = maxHead
