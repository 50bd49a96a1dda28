package slo

import (
	"strconv"
	"strings"
)

// foreign says which sign of pattern belongs to another notation (a regular expression, a
// glob of a shell, a list) and is in no model's name. It returns "" if there is none.
func foreign(pattern string) string {
	for _, sign := range []string{"|", "^", "$", "[", "]", "{", "}", ",", "?", `\`} {
		if strings.Contains(pattern, sign) {
			return "a " + sign + " in its name"
		}
	}
	switch {
	case strings.TrimSpace(pattern) != pattern:
		return "a blank at an end of its name"
	case strings.HasPrefix(pattern, "!"), strings.HasPrefix(pattern, "."):
		return "a " + pattern[:1] + " at the beginning of its name"
	}
	return ""
}

// checkNotation warns of a pattern of models that is written in another notation, and so
// matches nothing: gpt-4o|gpt-4.1.
func (s *SLO) checkNotation() []Warning {
	sign := foreign(s.Match.Model)
	if sign == "" {
		return nil
	}
	return []Warning{s.Problem("match.model", strconv.Quote(s.Match.Model)+" matches nothing: no model has "+sign+", and only * stands for other text",
		"write one name or gpt-4o*, and an SLO for each of several models")}
}
