package exchange

// MaxLabels is the largest number of labels that the configuration may define: a Record has
// a value of each.
const MaxLabels = 8

// MaxLabelBytes is the length at which the value of a label ends.
const MaxLabelBytes = 128
