package tap

// readTraceparent reads a W3C trace context (Trace Context level 2, section 3.2). It
// returns those of its flags that are defined.
func readTraceparent(v []byte) (identity, byte, bool) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(v) < length || v[2] != '-' || v[35] != '-' || v[52] != '-' {
		return identity{}, 0, false
	}
	var id identity
	var version, flags [1]byte
	if !readHex(version[:], v[:2]) || version[0] == 0xff || (len(v) > length && (version[0] == 0 || v[length] != '-')) ||
		!readID(id.trace[:], v[3:35]) || !readID(id.span[:], v[36:52]) || !readHex(flags[:], v[53:length]) {
		return identity{}, 0, false
	}
	return id, flags[0] & 3, true
}
