package pictures

// timeline shows one stream, and from where to where each time is taken.
func timeline() string {
	c := canvas{
		width: 860, height: 330,
		title: "The times of one streamed answer",
		text: "On a line of time: the request, the first byte of the response, the chunks with tokens, and the end. " +
			"TTFT runs from the request to the first token, TPOT is the time from the first to the last token for each token between, " +
			"ITL is one gap, E2E runs from the request to the last byte.",
	}
	const (
		axis              = 90
		start, head, last = 40, 150, 560
		end               = 590
	)
	tokens := []float64{230, 285, 335, 395, 500, last}
	c.arrow(start, axis, 640, axis)
	c.write(650, axis+4, rightOf, "small", "time")
	mark := func(x float64, class, above string) {
		c.line(x, axis-12, x, axis+12, "tick")
		c.write(x, axis-22, centered, class, above)
	}
	mark(start, "", "request")
	mark(head, "small", "role, ping")
	mark(end, "small", "")
	c.write(end+4, axis-22, rightOf, "small", "usage, [DONE]")
	for _, x := range tokens {
		c.rect(x-5, axis-14, 10, 28, "own")
	}
	c.rect(tokens[4]-18, axis-14, 10, 28, "own") // two more tokens in the same chunk
	c.rect(tokens[4]+8, axis-14, 10, 28, "own")
	c.write(tokens[0], axis-40, centered, "strong", "first token")
	c.write(tokens[4], axis-22, centered, "small", "a chunk of 3 tokens")
	c.write(last, axis+32, centered, "small", "last token")

	c.span(start, tokens[0], 150, "TTFT", "first token − request. A role or a ping is no token")
	c.span(tokens[1], tokens[2], 185, "ITL", "the gap between two chunks, for each token of the second")
	c.span(tokens[3], tokens[4], 220, "ITL", "three samples of a third of this gap")
	c.span(tokens[0], last, 255, "TPOT", "÷ (tokens − 1)")
	c.span(start, end, 290, "E2E", "last byte − request")
	return c.svg()
}
