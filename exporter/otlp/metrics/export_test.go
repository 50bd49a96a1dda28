package metrics

// NewOf is New with a table of the test.
var NewOf = newOf
