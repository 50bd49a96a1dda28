package exchange

// MaxLabels is the largest number of labels that the configuration may define: a Record has
// a value of each.
const MaxLabels = 8

// MaxLabelBytes is the length at which the value of a label ends.
const MaxLabelBytes = 128

// LabelsByName puts values, those of a Record, beside the names of the labels. It leaves out empty
// ones, and is nil if none is left.
func LabelsByName(names, values []string) map[string]string {
	var out map[string]string
	for i, value := range values {
		if value == "" || i >= len(names) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[names[i]] = value
	}
	return out
}
