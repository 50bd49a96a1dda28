package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

func embeddingsSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: openai.Embeddings(), Cases: []dialecttest.Case{
		{Name: "usage behind the data", File: "embeddings.json",
			Want: `complete model=text-embedding-3-small finish= usage=reported in=8`},
		{Name: "usage before the data", File: "embeddings_base64.json",
			Want: `complete model=text-embedding-3-large finish= usage=reported in=8`},
		{Name: "error", File: "embeddings_error.json", Status: 400,
			Want: `complete failed model= finish= usage=`},
		{Name: "the total alone", File: "embeddings_total.json",
			Want: `complete model=v finish= usage=reported in=8`},
	}}
}

func TestEmbeddings(t *testing.T) { embeddingsSuite().Check(t) }

func FuzzEmbeddings(f *testing.F) { embeddingsSuite().Fuzz(f) }
