package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

var embeddingsCases = []exchangeCase{
	{name: "usage behind the data", file: "embeddings.json",
		want: `complete model=text-embedding-3-small finish= usage=reported in=8`},
	{name: "usage before the data", file: "embeddings_base64.json",
		want: `complete model=text-embedding-3-large finish= usage=reported in=8`},
	{name: "error", file: "embeddings_error.json", status: 400,
		want: `complete failed model= finish= usage=`},
}

func TestEmbeddings(t *testing.T) { run(t, openai.Embeddings(), embeddingsCases) }

func FuzzEmbeddings(f *testing.F) { fuzz(f, openai.Embeddings(), embeddingsCases) }
