package transparent

import "errors"

// The record layer, RFC 8446, section 5.1, and RFC 5246, section 6.2.
const (
	recordHead = 5

	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplicationData  = 23
	recordHeartbeat        = 24 // RFC 6520

	maxPlaintext  = 1 << 14
	maxCiphertext = maxPlaintext + 2048
)

var errNoRecord = errors.New("no TLS record")

// Piece is some of a record: of its head, of its payload, or of both.
type Piece struct {
	Type   uint8
	Length int    // of the whole payload
	Data   []byte // of the payload, a part of what was read; may be empty
	First  bool   // the record begins with this piece: its head is whole now
	Last   bool   // and ends with this one
}

// Records follows one direction of a TLS connection from its first byte. It keeps
// nothing but where in a record it is. The zero value is ready for use.
type Records struct {
	head [recordHead]byte
	have int // bytes of head
	left int // bytes of the payload to come
	err  error
}

// Next reads the next piece off p and returns what follows it. Of a head that is
// cut off there is no piece yet: it is the zero Piece. After an error, which says
// that this is not TLS, there is nothing more to read.
func (r *Records) Next(p []byte) (piece Piece, rest []byte, err error) {
	if r.err != nil {
		return Piece{}, nil, r.err
	}
	if r.have < recordHead {
		n := copy(r.head[r.have:], p)
		r.have += n
		p = p[n:]
		if r.have < recordHead {
			return Piece{}, nil, nil
		}
		if r.err = r.open(); r.err != nil {
			return Piece{}, nil, r.err
		}
		piece.First = true
	}
	n := min(len(p), r.left)
	r.left -= n
	piece.Type, piece.Length, piece.Data = r.head[0], r.length(), p[:n]
	if r.left == 0 {
		piece.Last = true
		r.have = 0
	}
	return piece, p[n:], nil
}

// open begins the record whose head is there.
func (r *Records) open() error {
	kind := r.head[0]
	r.left = r.length()
	switch {
	case kind < recordChangeCipherSpec || kind > recordHeartbeat,
		r.head[1] != 3 || r.head[2] > 4,
		r.left > maxCiphertext,
		r.left == 0 && kind != recordApplicationData:
		return errNoRecord
	}
	return nil
}

func (r *Records) length() int { return int(r.head[3])<<8 | int(r.head[4]) }
