package dialecttest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// recording is the response of a case.
type recording struct {
	contentType string
	messages    [][]byte // one piece of the body after another
}

// body is all of the response's body.
func (r recording) body() []byte { return bytes.Join(r.messages, nil) }

// forms are the ways in which a response comes, by the ending of its file: its content type
// and what its file makes of it. The files of binary forms are text: a line is a message,
// which begins with the name of its event and a tab. A ! before the name makes it an
// exception.
var forms = map[string]struct {
	contentType string
	cut         func(file []byte) [][]byte
}{
	".sse":     {"text/event-stream", after("\n\n")},
	".json":    {"application/json", after("\n\n")},
	".ndjson":  {"application/x-ndjson", after("\n")},
	".array":   {"application/json", after("\n")},
	".frames":  {"application/vnd.amazon.eventstream", frames(func(p string) string { return p })},
	".wrapped": {"application/vnd.amazon.eventstream", frames(wrap)},
	".seq":     {dialect.Sequence, separated},
	".parts":   {"application/vnd.amazon.eventstream", frames(unquote)},
}

// Recorded reads the file of a case, and returns the content type and the body of its
// response.
func Recorded(t testing.TB, path string) (contentType string, body []byte) {
	t.Helper()
	r := readFile(t, path)
	return r.contentType, r.body()
}

// read reads a file of the testdata of the package under test.
func read(t testing.TB, file string) recording {
	t.Helper()
	return readFile(t, filepath.Join("testdata", file))
}

func readFile(t testing.TB, file string) recording {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	form, ok := forms[filepath.Ext(file)]
	if !ok {
		t.Fatalf("%s: no response comes in such a form", file)
	}
	return recording{form.contentType, form.cut(body)}
}

// after cuts a file behind every end.
func after(end string) func([]byte) [][]byte {
	return func(file []byte) [][]byte { return bytes.SplitAfter(file, []byte(end)) }
}

// separated makes a message of a session of every line.
func separated(file []byte) (messages [][]byte) {
	for line := range bytes.Lines(file) {
		messages = append(messages, append(bytes.TrimSuffix(line, []byte("\n")), 0x1e))
	}
	return messages
}

// frames makes a message of an AWS event stream of every line.
func frames(payload func(string) string) func([]byte) [][]byte {
	return func(file []byte) (messages [][]byte) {
		for line := range strings.Lines(string(file)) {
			name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			headers := []string{":message-type", "event", ":event-type", name}
			if exception, ok := strings.CutPrefix(name, "!"); ok {
				headers = []string{":message-type", "exception", ":exception-type", exception}
			} else {
				text = payload(text)
			}
			messages = append(messages, frame(text, headers...))
		}
		return messages
	}
}

// wrap puts data into the object in which Bedrock sends it.
func wrap(data string) string {
	return fmt.Sprintf(`{"bytes":%q,"p":"abcdefgh"}`, base64.StdEncoding.EncodeToString([]byte(data)))
}

// unquote puts the end of a line in the place of every ¶.
func unquote(text string) string { return strings.ReplaceAll(text, "¶", "\n") }

// frame returns a message of an AWS event stream. Names and values of headers take turns.
func frame(payload string, headers ...string) []byte {
	var h []byte
	for i := 0; i < len(headers); i += 2 {
		h = append(append(h, byte(len(headers[i]))), headers[i]...)
		h = append(binary.BigEndian.AppendUint16(append(h, 7), uint16(len(headers[i+1]))), headers[i+1]...)
	}
	m := binary.BigEndian.AppendUint32(nil, uint32(12+len(h)+len(payload)+4))
	m = binary.BigEndian.AppendUint32(m, uint32(len(h)))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(append(m, h...), payload...)
	return binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
}
