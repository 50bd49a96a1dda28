package live_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
)

func suite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: live.Live(), Cases: []dialecttest.Case{
		{Name: "a thought, text and sound", File: "live.seq",
			Want: `stream complete model= finish=stop usage=reported in=9 out=25 reasoning=5 streamed=25 spoken=20 events=5@1 tokens@1-3 answer@2 1:0/4 2:0/2 3:0/4`},
		{Name: "a call", File: "live_call.seq",
			Want: `stream complete model= finish=tool_calls usage=reported in=9 out=4 streamed=4 events=1@1 tokens@1-1 1:4/7`},
		{Name: "interrupted", File: "live_interrupted.seq",
			Want: `stream complete canceled model= finish= usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "malformed", File: "live_malformed.seq",
			Want: `stream complete failed model= finish=error usage= events=1@1`},
	}}
}

func TestLive(t *testing.T) { suite().Check(t) }

func FuzzLive(f *testing.F) { suite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) { suite().CheckChunking(t) }
