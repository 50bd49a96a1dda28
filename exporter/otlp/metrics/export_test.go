package metrics

// NewOf is New with a table of the test's.
var NewOf = newOf
