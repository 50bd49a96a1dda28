// Package spelling finds the word that somebody likely meant who wrote another one: a
// key of a file, a value, a variable or a command.
package spelling

import (
	"slices"
	"strings"
)

// mostNearest is how many words a hint names. More would not help to choose.
const mostNearest = 3

// Hint names the known words that the author of word likely meant, as a question: did
// you mean chat? If there is no such word, Hint lists all known words.
func Hint(word string, known []string) string {
	if near := Nearest(word, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "there are " + strings.Join(known, ", ")
}

// Nearest returns the words of known that the author of word likely meant, in the order
// of known: those with the fewest slips of the keyboard, or else those that word is the
// beginning or the end of, or that begin word, in whole parts (SLO and SLO_FILE). Case,
// underscores, dashes, points and spaces do not count. It returns none if no word is
// near, or if more than three are.
func Nearest(word string, known []string) []string {
	plain := squeeze(word)
	var near []string
	best := slips(len(plain)) + 1
	for _, k := range known {
		target := squeeze(k)
		d := distance(plain, target)
		switch {
		case 2*d > len(target) || d > best || d > slips(len(plain)):
		case d < best:
			best, near = d, []string{k}
		default:
			near = append(near, k)
		}
	}
	if len(near) == 0 {
		near = slices.Clone(known)
		near = slices.DeleteFunc(near, func(k string) bool { return !shares(word, k) })
	}
	if len(near) > mostNearest {
		return nil
	}
	return near
}

// slips is how many slips a word of so many bytes may hold and still be recognised.
func slips(length int) int {
	switch {
	case length <= 3:
		return 1
	case length <= 7:
		return 2
	}
	return 3
}

// squeeze returns word in lower case and without the bytes between its parts.
func squeeze(word string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(word))
}

// shares says whether one of the two words begins or ends with the parts of the other.
func shares(word, known string) bool {
	word, known = strings.ToLower(word), strings.ToLower(known)
	return word != "" && (strings.HasPrefix(known, word+"_") || strings.HasSuffix(known, "_"+word) || strings.HasPrefix(word, known+"_"))
}

// distance is the number of slips between a and b: a byte too many, one that is missing,
// one in place of another, or two neighbours in the wrong order (the optimal string
// alignment distance).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			other := last[j]
			if a[i] != b[j] {
				other++
			}
			row[j+1] = min(other, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
