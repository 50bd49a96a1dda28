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

// Piece is a part of a record: of its head, of its payload, or of both.
type Piece struct {
	Type   uint8
	Length int    // of the whole payload
	Data   []byte // a part of the payload, inside the caller's bytes; may be empty
	First  bool   // this piece completes the head of its record
	Last   bool   // this piece completes its record
}

// Records follows one direction of a TLS connection from its first byte. It keeps its
// position in a record, and no bytes but those of a head. The zero value is ready for
// use.
type Records struct {
	head [recordHead]byte
	have int // bytes of head
	left int // bytes of the payload to come
	err  error
}

// Next reads the next piece off p and returns the rest of p. While a head is incomplete,
// it returns the zero Piece. An error says that the bytes are no TLS; every later call
// returns it again.
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

// open begins the record whose head is complete.
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
