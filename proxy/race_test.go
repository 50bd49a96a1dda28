//go:build race

package proxy_test

// raceShare divides the length of tests that find races in their first part, and take ten
// times as long with the detector.
const raceShare = 8
