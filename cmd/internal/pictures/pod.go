package pictures

// pod shows where headway stands, and who talks to it.
func pod() string {
	c := canvas{
		width: 860, height: 280,
		title: "headway in a pod",
		text: "The application calls headway on loopback, headway calls the provider over TLS. Prometheus reads headway's metrics, " +
			"headway sends traces and metrics to a collector, and writes a capture file.",
	}
	box := func(x, y, width, height float64, name, below string) {
		c.rect(x, y, width, height, "box")
		if below == "" {
			c.write(x+width/2, y+height/2+5, centered, "strong", name)
			return
		}
		c.write(x+width/2, y+height/2-2, centered, "strong", name)
		c.write(x+width/2, y+height/2+16, centered, "small", below)
	}
	c.rect(20, 20, 460, 150, "frame")
	c.write(34, 40, rightOf, "small", "pod")
	box(50, 65, 140, 70, "application", "any SDK")
	box(310, 65, 140, 70, "headway", "measures every token")
	box(660, 65, 180, 70, "model provider", "or your model server")
	c.arrow(190, 100, 310, 100)
	c.write(250, 90, centered, "small", "http, :8480")
	c.arrow(450, 100, 660, 100)
	c.write(570, 90, centered, "small", "https, the same bytes")
	box(50, 215, 140, 50, "capture file", "")
	box(260, 215, 240, 50, "Prometheus", "")
	box(570, 215, 270, 50, "OpenTelemetry collector", "")
	c.line(330, 135, 330, 192, "axis")
	c.line(330, 192, 120, 192, "axis")
	c.arrow(120, 192, 120, 215)
	c.arrow(380, 215, 380, 135)
	c.write(390, 190, rightOf, "small", "scrapes :8481")
	c.line(430, 135, 430, 150, "axis")
	c.line(430, 150, 700, 150, "axis")
	c.arrow(700, 150, 700, 215)
	c.write(710, 190, rightOf, "small", "OTLP")
	return c.svg()
}
