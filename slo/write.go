package slo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Write writes set as an SLO file. Parse reads it back to an equal set.
func Write(w io.Writer, set Set) error {
	file := written{SLOs: make([]writtenSLO, len(set.SLOs))}
	if set.First {
		file.Match = "first"
	}
	for i := range set.SLOs {
		file.SLOs[i] = writeSLO(&set.SLOs[i])
	}
	text, err := yaml.Dump(file, yaml.WithLineWidth(-1))
	if err != nil {
		return fmt.Errorf("writing SLOs: %w", err)
	}
	_, err = w.Write(text)
	return err
}

type written struct {
	Match string       `yaml:"match,omitempty"`
	SLOs  []writtenSLO `yaml:"slos"`
}

type writtenSLO struct {
	Name      string           `yaml:"name"`
	Match     *writtenMatch    `yaml:"match,omitempty"`
	Objective float64          `yaml:"objective"`
	Window    string           `yaml:"window"`
	Good      *yaml.Node       `yaml:"good,omitempty"`
	Exclude   []string         `yaml:"exclude,omitempty,flow"`
	Judge     string           `yaml:"judge,omitempty"`
	Alerting  *writtenAlerting `yaml:"alerting,omitempty"`
}

type writtenMatch struct {
	Operation   string            `yaml:"operation,omitempty"`
	Model       string            `yaml:"model,omitempty"`
	Upstream    string            `yaml:"upstream,omitempty"`
	Stream      *bool             `yaml:"stream,omitempty"`
	Header      map[string]string `yaml:"header,omitempty"`
	InputTokens string            `yaml:"input_tokens,omitempty"`
}

// writtenAlerting spells out the defaults, too, which Parse would fill in.
type writtenAlerting struct {
	Page        bool              `yaml:"page"`
	Ticket      bool              `yaml:"ticket"`
	MinRequests int64             `yaml:"min_requests"`
	By          []string          `yaml:"by,omitempty,flow"`
	Runbook     string            `yaml:"runbook,omitempty"`
	Dashboard   string            `yaml:"dashboard,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

func writeSLO(s *SLO) writtenSLO {
	out := writtenSLO{Name: s.Name, Objective: s.Objective, Window: writeWindow(s.Window), Judge: string(s.Judge)}
	if !s.Match.equal(&Match{}) {
		m := &s.Match
		out.Match = &writtenMatch{string(m.Operation), m.Model, m.Upstream, m.Stream, m.Header, writeRange(m.InputTokens)}
	}
	if len(s.Good) > 0 {
		out.Good = &yaml.Node{Kind: yaml.MappingNode}
		for _, o := range s.Good {
			out.Good.Content = append(out.Good.Content, scalar(o.Indicator.String()), scalar(writeDuration(o.Limit)))
		}
	}
	for _, o := range s.Exclude {
		out.Exclude = append(out.Exclude, string(o))
	}
	for _, t := range s.ExcludeTypes {
		out.Exclude = append(out.Exclude, string(t))
	}
	a := &s.Alerting
	if a.Page || a.Ticket || a.MinRequests != 0 || len(a.By) > 0 || a.Runbook != "" || a.Dashboard != "" || len(a.Labels) > 0 || len(a.Annotations) > 0 {
		out.Alerting = &writtenAlerting{a.Page, a.Ticket, a.MinRequests, a.By, a.Runbook, a.Dashboard, a.Labels, a.Annotations}
	}
	return out
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func writeRange(r Range) string {
	switch {
	case r == Range{}:
		return ""
	case r.Max == 0:
		return strconv.FormatInt(r.Min, 10) + ".."
	case r.Min == 0:
		return ".." + strconv.FormatInt(r.Max, 10)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}

// writeWindow is d in days where it is whole ones, and in hours otherwise.
func writeWindow(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return writeDuration(d)
}

// writeDuration is d without the zero units at its end: 1h, not 1h0m0s.
func writeDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// DNSLabel is the name of s as Kubernetes and OpenSLO want names (RFC 1123): in lower
// case, with - for every character that they do not allow. Different names can become
// equal.
func (s *SLO) DNSLabel() string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '_' {
			return '-'
		}
		return r
	}, strings.ToLower(s.Name))
}
