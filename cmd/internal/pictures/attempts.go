package pictures

// attempts shows how the attempts of a client become one call.
func attempts() string {
	c := canvas{
		width: 860, height: 300,
		title: "Three attempts are one call",
		text: "Two attempts fail with 503 and 429, the client sleeps after each, and the third streams an answer. " +
			"The call lasts from the start of the first attempt to the end of the third; its TTFT ends with the first token of the third.",
	}
	const left, height = 150, 24
	row := func(y float64, name string) { c.write(left-20, y+height-7, leftOf, "", name) }
	bar := func(x1, x2, y float64, class, text string) {
		c.rect(x1, y, x2-x1, height, class)
		c.write(x2+8, y+height-7, rightOf, "small", text)
	}
	row(30, "attempt 1")
	bar(left, 210, 30, "bad", "503: wasted")
	row(70, "attempt 2")
	bar(280, 320, 70, "bad", "429, retry-after: 1: wasted")
	row(110, "attempt 3")
	c.rect(430, 110, 50, height, "pale")
	bar(480, 660, 110, "good", "200: the answer streams")
	for _, gap := range [][2]float64{{210, 280}, {320, 430}} {
		c.line(gap[0], 160, gap[1], 160, "axis")
		c.line(gap[0], 156, gap[0], 164, "axis")
		c.line(gap[1], 156, gap[1], 164, "axis")
		c.write((gap[0]+gap[1])/2, 178, centered, "small", "slept")
	}
	row(200, "the call")
	c.rect(left, 200, 480-left, height, "pale")
	bar(480, 660, 200, "good", "recovered, 3 attempts")
	c.span(left, 480, 248, "call TTFT", "what the user waited")
	c.span(left, 660, 278, "call E2E", "")
	return c.svg()
}
