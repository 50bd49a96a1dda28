package baseline

// Demand is how many people use an application, and how much, when they use it most.
type Demand struct {
	Users        float64 // everyone who could
	Active       float64 // share of the users who do during the peak, 0.1 for 10 %
	Sessions     float64 // of an active user during the peak
	Interactions float64 // of a session, each of them a request
	Hours        float64 // that the peak lasts
}

// PerMinute is how many requests a minute they need, spread evenly over the peak:
// users · active · sessions · interactions ÷ hours ÷ 60.
func (d Demand) PerMinute() float64 {
	return d.Users * d.Active * d.Sessions * d.Interactions / d.Hours / 60
}
