package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// file is the capture file. write puts it aside when it grows too large.
type file struct {
	path     string
	maxBytes int64
	keep     int

	current *os.File // nil when it could not be opened
	size    int64
	torn    bool // the last line has no end
}

// open opens the file for appending. If an earlier process left a line without its end,
// write ends that line first.
func (f *file) open() error {
	opened, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err != nil {
		_ = opened.Close()
		return err
	}
	f.current, f.size, f.torn = opened, info.Size(), false
	if f.size > 0 {
		last := []byte{'\n'}
		_, err = opened.ReadAt(last, f.size-1)
		f.torn = err == nil && last[0] != '\n'
	}
	return nil
}

// write appends whole lines, to a new file if the present one would grow too large.
func (f *file) write(lines []byte) error {
	if f.current != nil && f.size > 0 && f.size+int64(len(lines)) > f.maxBytes {
		if err := f.rotate(); err != nil {
			return fmt.Errorf("putting capture file aside: %w", err)
		}
	}
	if f.current == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.torn {
		if err := f.append([]byte{'\n'}); err != nil {
			return err
		}
		f.torn = false
	}
	return f.append(lines)
}

// moved says whether the name of the file does not lead to it any more, because somebody
// has renamed or removed it, as logrotate does. It notices a file that was cut short, too.
func (f *file) moved() bool {
	if f.current == nil {
		return false
	}
	open, err := f.current.Stat()
	if err != nil {
		return false
	}
	if named, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(open, named) {
		return true
	}
	f.size = open.Size()
	return false
}

func (f *file) append(p []byte) error {
	n, err := f.current.Write(p)
	f.size += int64(n)
	if err != nil {
		f.torn = n > 0
	}
	return err
}

// rotate renames path to path.1, path.1 to path.2 and so on; the last file is lost. A
// later write opens path anew.
func (f *file) rotate() error {
	f.close()
	for i := f.keep; i > 0; i-- {
		from := f.path
		if i > 1 {
			from = f.aside(i - 1)
		}
		if err := os.Rename(from, f.aside(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *file) aside(i int) string { return fmt.Sprintf("%s.%d", f.path, i) }

func (f *file) close() {
	if f.current != nil {
		_ = f.current.Close() // nothing is buffered: write has returned every error
		f.current = nil
	}
}
