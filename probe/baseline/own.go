package baseline

// Own is the definition by which headway measures an indicator: its clock starts when it has
// read the head of the request, on a connection that the client has opened. Tokens says who
// counted those that TPOT divides by.
func Own(name Name, tokens Tokens) Definition {
	d := Definition{Start: Sent, Stop: EndOfBody, Over: Request, Connect: ConnectOut, Percentiles: Linear}
	switch name {
	case TTFT:
		d.Stop = FirstContent
	case TTFB:
		d.Stop = FirstByte
	case TPOT:
		d.Start, d.Stop, d.Tokens = FirstContent, LastContent, tokens
	}
	return d
}
