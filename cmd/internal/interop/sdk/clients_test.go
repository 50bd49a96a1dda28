//go:build interop

package sdk_test

import (
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// quick are the flags of a simulator that does not keep seven clients waiting.
var quick = []string{"--step", "8ms", "--prefill", "20ms"}

// clientFields are the fields of answers that all clients see alike, whatever their words.
var clientFields = []string{"text", "calls", "embedding"}

func TestInteropOpenAIClientsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.OpenAIClients(t), interop.ReadCalls(t, interop.ClientCalls), clientFields, quick...)
}

func TestInteropOtherClientsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.OtherClients(t), interop.ReadCalls(t, interop.ClientCalls), clientFields, quick...)
}
