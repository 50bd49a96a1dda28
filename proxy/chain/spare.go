package chain

// maxSpare is how many chains, and how many attempts, a spare keeps.
const maxSpare = 256

// spare keeps chains and attempts that are over, to use them again.
type spare struct {
	chains   []*chain
	attempts []*attempt
}

func (s *spare) chain() *chain {
	if n := len(s.chains); n > 0 {
		c := s.chains[n-1]
		s.chains = s.chains[:n-1]
		return c
	}
	return new(chain)
}

func (s *spare) putChain(c *chain) {
	if len(s.chains) < maxSpare {
		*c = chain{}
		s.chains = append(s.chains, c)
	}
}

func (s *spare) attempt() *attempt {
	if n := len(s.attempts); n > 0 {
		a := s.attempts[n-1]
		s.attempts = s.attempts[:n-1]
		return a
	}
	return new(attempt)
}

func (s *spare) putAttempt(a *attempt) {
	*a = attempt{}
	if len(s.attempts) < maxSpare {
		s.attempts = append(s.attempts, a)
	}
}
