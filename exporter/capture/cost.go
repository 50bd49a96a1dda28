package capture

import "github.com/headway-sidecar/headway/proxy/exchange"

// Cost is what an exchange cost by the prices that the user wrote.
type Cost struct {
	Currency     string  `json:"currency"` // ISO 4217
	Total        float64 `json:"total"`    // the sum of the parts below
	Input        float64 `json:"input,omitempty"`
	Output       float64 `json:"output,omitempty"`
	CacheRead    float64 `json:"cache_read,omitempty"`
	CacheWrite   float64 `json:"cache_write,omitempty"`
	CacheWrite1h float64 `json:"cache_write_1h,omitempty"`
	Reasoning    float64 `json:"reasoning,omitempty"`
	InputAudio   float64 `json:"input_audio,omitempty"`
	InputImage   float64 `json:"input_image,omitempty"`
	OutputAudio  float64 `json:"output_audio,omitempty"`
	Request      float64 `json:"request,omitempty"`
	// The output once more: the tokens that came in the response, and those of them that
	// reached the client.
	Generated float64 `json:"generated_output,omitempty"`
	Delivered float64 `json:"delivered_output,omitempty"`
}

func cost(c *exchange.Cost) *Cost {
	if !c.Known() {
		return nil
	}
	p := &c.Parts
	return &Cost{
		Currency: c.Currency, Total: c.Total(),
		Input: p[exchange.CostInput], Output: p[exchange.CostOutput],
		CacheRead: p[exchange.CostCacheRead], CacheWrite: p[exchange.CostCacheWrite], CacheWrite1h: p[exchange.CostCacheWriteHour],
		Reasoning: p[exchange.CostReasoning], InputAudio: p[exchange.CostInputAudio], InputImage: p[exchange.CostInputImage],
		OutputAudio: p[exchange.CostOutputAudio], Request: p[exchange.CostRequest],
		Generated: c.Streamed, Delivered: c.Delivered,
	}
}
