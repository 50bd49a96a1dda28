package spans

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// MaxOffsets bounds the text of token offsets, in bytes: New Relic takes no longer value
// of an attribute (OpenTelemetry attribute limits: 4095 characters). That is enough for
// some 800 chunks. headway.content_chunks has the number of all chunks.
const MaxOffsets = 4095

// tick is the resolution of token offsets.
const tick = 100 * time.Microsecond

// AppendOffsets appends the times of a stream's content chunks in the form of the
// attribute headway.token_offsets_ms: numbers with a space between, in milliseconds, with
// one decimal unless that is zero. The first number is the offset of the first chunk from
// the start of the request, each other one is the time since the chunk before.
//
//	214 18.3 17.9 0 21
//
// AppendOffsets rounds each offset to a tenth of a millisecond before it takes
// differences, so that sums of the numbers are never off by more than half of that. It
// leaves out the first chunk that would make the text longer than MaxOffsets, and all
// that follow.
func AppendOffsets(to []byte, of *exchange.Chunks) []byte {
	start := len(to)
	in := of.Arrivals(exchange.Count{})
	var chunks [32]exchange.Chunk
	previous := time.Duration(0)
	for n := in.Read(chunks[:]); n > 0; n = in.Read(chunks[:]) {
		to = slices.Grow(to, maxShort*len(chunks))
		for i := range chunks[:n] {
			end := len(to)
			ticks := (chunks[i].At + tick/2) / tick
			switch wait := uint64(ticks - previous); {
			case end == start:
				to = appendTicks(to, wait)
			case wait < 1000:
				to = appendShort(to, wait)
			default:
				to = appendTicks(append(to, ' '), wait)
			}
			if len(to)-start > MaxOffsets {
				return to[:end]
			}
			previous = ticks
		}
	}
	return to
}

func appendTicks(to []byte, n uint64) []byte {
	to = strconv.AppendUint(to, n/10, 10)
	if tenth := n % 10; tenth > 0 {
		to = append(to, '.', '0'+byte(tenth))
	}
	return to
}

// maxShort is how many bytes appendShort writes; not all of them count.
const maxShort = 8

// appendShort appends a space and a number of less than a thousand ticks, as nearly every
// wait is, with all its characters in one word.
func appendShort(to []byte, n uint64) []byte {
	word, size := uint64(' '), 1
	if n >= 100 {
		word |= ('0' + n/100) << 8
		n, size = n%100, 2
	}
	word |= (('0' + n/10) | '.'<<8 | ('0'+n%10)<<16) << (8 * size)
	if size++; n%10 > 0 {
		size += 2
	}
	return binary.LittleEndian.AppendUint64(to, word)[:len(to)+size]
}

// Offsets reads a text of AppendOffsets: the offset of each content chunk from the start
// of its request, to a tenth of a millisecond.
func Offsets(text string) ([]time.Duration, error) {
	if text == "" {
		return nil, nil
	}
	offsets := make([]time.Duration, 0, 1+strings.Count(text, " "))
	at := uint64(0)
	for field := range strings.SplitSeq(text, " ") {
		n, err := parseTicks(field)
		if err != nil {
			return nil, fmt.Errorf("reading token offset %d: %w", len(offsets)+1, err)
		}
		if at += n; at > uint64(math.MaxInt64/tick) {
			return nil, fmt.Errorf("reading token offset %d: %w", len(offsets)+1, strconv.ErrRange)
		}
		offsets = append(offsets, time.Duration(at)*tick)
	}
	return offsets, nil
}

func parseTicks(field string) (uint64, error) {
	whole, tenth, has := strings.Cut(field, ".")
	// 15 digits of milliseconds are 31,000 years, and leave room for the sum.
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || len(whole) > 15 {
		return 0, errors.New("no milliseconds")
	}
	if !has {
		return n * 10, nil
	}
	if len(tenth) != 1 || tenth[0] < '0' || tenth[0] > '9' {
		return 0, errors.New("no tenth of a millisecond")
	}
	return n*10 + uint64(tenth[0]-'0'), nil
}
