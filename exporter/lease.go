package exporter

// election lists the instrument about the choice of one prober.
func election() []Instrument {
	return members(Process, []Instrument{{
		Name: "headway.probe.leader", Kind: Gauge, Read: probeLeader,
		Help: "1 in the process that sends the canaries of its fleet, 0 in the others (HEADWAY_PROBE_LEASE). A process without probes has no value.",
	}})
}

func probeLeader(l *Live, _ *Names, level Level) {
	switch {
	case l.ProbeLeader == nil:
	case l.ProbeLeader():
		level(1)
	default:
		level(0)
	}
}
