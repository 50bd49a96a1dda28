package main_test

import (
	"testing"
)

func TestDeparturesLeaveNothingBehind(t *testing.T) {
	departUnderLoad(t, self(t), 50)
}
