package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// scanner reads JSON as it comes, values one behind the other, and keeps nothing of what
// its user skips. It knows the line and the path of each value. Beyond JSON it reads the
// numbers NaN and Infinity, which Python writes, and +Inf, which k6 writes.
type scanner struct {
	from     io.Reader
	buf      []byte
	pos, end int
	line     int
	path     []byte
	text     []byte            // of the string or number that was read last
	names    map[string]string // keys that were read before, so that each is allocated once
	recent   [256]string       // some of them, each at its place
	failed   error
	depth    int
}

// manyNames bounds scanner.names.
const manyNames = 4096

// deepest is how deep values may nest.
const deepest = 200

func newScanner(r io.Reader) *scanner {
	return &scanner{from: r, buf: make([]byte, 128<<10), line: 1, names: map[string]string{}}
}

// fill reads more bytes behind those that are used up. It returns false at the end.
func (s *scanner) fill() bool {
	if s.failed != nil {
		return false
	}
	s.pos, s.end = 0, 0
	for s.end == 0 {
		n, err := s.from.Read(s.buf)
		s.end = n
		if n == 0 && err != nil {
			s.failed = err
			return false
		}
	}
	return true
}

// next returns the first byte that is no white space, without using it up; 0 at the end.
func (s *scanner) next() byte {
	if s.pos < s.end && s.buf[s.pos] > ' ' {
		return s.buf[s.pos]
	}
	return s.behindSpace()
}

func (s *scanner) behindSpace() byte {
	for {
		for ; s.pos < s.end; s.pos++ {
			switch c := s.buf[s.pos]; c {
			case '\n':
				s.line++
			case ' ', '\t', '\r':
			default:
				return c
			}
		}
		if !s.fill() {
			return 0
		}
	}
}

// more says whether another value follows.
func (s *scanner) more() bool { return s.next() != 0 }

// wrong is a problem at the present place.
func (s *scanner) wrong(got, want string) error {
	return &Problem{Line: s.line, Field: string(s.path), Got: got, Want: want}
}

// unexpected is a problem with the next byte.
func (s *scanner) unexpected(want string) error {
	c := s.next()
	if c == 0 && s.failed != nil && !errors.Is(s.failed, io.EOF) {
		return fmt.Errorf("reading line %d: %w", s.line, s.failed)
	}
	if c == 0 {
		return s.wrong("the end of the file", want)
	}
	return s.wrong(strconv.QuoteRune(rune(c)), want)
}

// object calls each for every key. Each reads the value or skips it; key is valid until
// then.
func (s *scanner) object(each func(key string) error) error {
	if s.next() != '{' {
		return s.unexpected("an object")
	}
	if err := s.enter(); err != nil {
		return err
	}
	length := len(s.path)
	defer func() { s.depth-- }()
	for first := true; ; first = false {
		c := s.next()
		if c == '}' {
			s.pos++
			return nil
		}
		if c == ',' && !first {
			s.pos++
			c = s.next()
		} else if !first {
			return s.unexpected("a comma or }")
		}
		if c != '"' {
			return s.unexpected("a key in quotation marks")
		}
		key, err := s.key()
		if err != nil {
			return err
		}
		if length > 0 {
			s.path = append(s.path, '.')
		}
		s.path = append(s.path, key...)
		if s.next() != ':' {
			return s.unexpected("a colon behind the key")
		}
		s.pos++
		if err := each(key); err != nil {
			return err
		}
		s.path = s.path[:length]
	}
}

// array calls each for every item, which each reads or skips.
func (s *scanner) array(each func(i int) error) error {
	if s.next() != '[' {
		return s.unexpected("an array")
	}
	if err := s.enter(); err != nil {
		return err
	}
	length := len(s.path)
	defer func() { s.depth-- }()
	for i := 0; ; i++ {
		c := s.next()
		if c == ']' {
			s.pos++
			return nil
		}
		if c == ',' && i > 0 {
			s.pos++
		} else if i > 0 {
			return s.unexpected("a comma or ]")
		}
		s.path = append(s.path, '[')
		s.path = strconv.AppendInt(s.path, int64(i), 10)
		s.path = append(s.path, ']')
		if err := each(i); err != nil {
			return err
		}
		s.path = s.path[:length]
	}
}

func (s *scanner) enter() error {
	s.pos++
	if s.depth++; s.depth > deepest {
		return s.wrong("values that nest more than 200 deep", "a result file")
	}
	return nil
}

// skip passes over the next value. It looks at nothing in an object or an array but the
// brackets and the strings.
func (s *scanner) skip() error {
	switch s.next() {
	case '{', '[':
		return s.skipNested()
	case '"':
		return s.skipString()
	}
	_, err := s.bare()
	return err
}

// skipNested passes over an object or an array.
func (s *scanner) skipNested() error {
	for open := 0; ; {
		for ; s.pos < s.end; s.pos++ {
			if !nestedBytes[s.buf[s.pos]] {
				continue
			}
			switch s.buf[s.pos] {
			case '"':
				if err := s.skipString(); err != nil {
					return err
				}
				s.pos--
			case '{', '[':
				open++
			case '}', ']':
				if open--; open == 0 {
					s.pos++
					return nil
				}
			case '\n':
				s.line++
			}
		}
		if !s.fill() {
			return s.unexpected("a bracket that ends the value")
		}
	}
}

// nestedBytes are the bytes at which skipNested does something.
var nestedBytes = func() (set [256]bool) {
	for _, c := range []byte("\"{}[]\n") {
		set[c] = true
	}
	return set
}()

// skipString passes over a string.
func (s *scanner) skipString() error {
	s.pos++
	if whole, ok := s.plain(); ok {
		s.pos += len(whole) + 1
		return nil
	}
	escaped := false
	for {
		for ; s.pos < s.end; s.pos++ {
			switch c := s.buf[s.pos]; {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				s.pos++
				return nil
			case c == '\n':
				return s.wrong("a line break in a string", "a quotation mark before it")
			}
		}
		if !s.fill() {
			return s.unexpected("a quotation mark that ends the string")
		}
	}
}

// plain returns the rest of the string at s.pos, if it ends within the buffer and has
// neither escapes nor line breaks. Most strings are short, and one look at each byte is
// then the quickest.
func (s *scanner) plain() ([]byte, bool) {
	rest := s.buf[s.pos:s.end]
	for n, c := range rest[:min(len(rest), 32)] {
		if c == '"' {
			return rest[:n], true
		}
		if c == '\\' || c == '\n' {
			return nil, false
		}
	}
	size := bytes.IndexByte(rest, '"')
	if size < 0 {
		return nil, false
	}
	text := rest[:size]
	return text, bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '\n') < 0
}

// longest is how long a string may be that the caller wants.
const longest = 1 << 20

// key reads the key of an object, or a text that comes again and again, as a unit does.
func (s *scanner) key() (string, error) {
	if s.next() == '"' {
		s.pos++
		if text, ok := s.plain(); ok {
			at := &s.recent[place(text)]
			if string(text) == *at {
				s.pos += len(text) + 1
				return *at, nil
			}
			if name, known := s.names[string(text)]; known {
				s.pos += len(text) + 1
				*at = name
				return name, nil
			}
		}
		s.pos--
	}
	plain, err := s.raw()
	if err != nil || !plain {
		return s.unescaped(plain, err)
	}
	name := string(s.text)
	if len(s.names) < manyNames {
		s.names[name] = name
	}
	return name, nil
}

// place is where scanner.recent has a key, if it does: by its length, and its second and
// last byte, because many keys of one object begin alike.
func place(key []byte) byte {
	if len(key) < 2 {
		return byte(len(key))
	}
	return byte(len(key))*37 + key[1]*11 + key[len(key)-1]
}

// str reads a string.
func (s *scanner) str() (string, error) { return s.unescaped(s.raw()) }

// raw reads a string into s.text as it stands, and says whether it has no escapes.
func (s *scanner) raw() (plain bool, err error) {
	if s.next() != '"' {
		return false, s.unexpected("a string")
	}
	s.pos++
	s.text = s.text[:0]
	if whole, ok := s.plain(); ok && len(whole) <= longest {
		s.text = append(s.text, whole...)
		s.pos += len(whole) + 1
		return true, nil
	}
	plain = true
	escaped := false
	for {
		for ; s.pos < s.end; s.pos++ {
			c := s.buf[s.pos]
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				plain, escaped = false, true
			case c == '"':
				s.pos++
				return plain, nil
			case c == '\n':
				return false, s.wrong("a line break in a string", "a quotation mark before it")
			}
			if len(s.text) > longest {
				return false, s.wrong("a string of more than 1 MB", "a short one")
			}
			s.text = append(s.text, c)
		}
		if !s.fill() {
			return false, s.unexpected("a quotation mark that ends the string")
		}
	}
}

// unescaped is the text that raw has read.
func (s *scanner) unescaped(plain bool, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if plain {
		return string(s.text), nil
	}
	out, err := unquote(s.text)
	if err != nil {
		return "", s.wrong(strconv.Quote(string(s.text)), "a JSON string")
	}
	return out, nil
}
