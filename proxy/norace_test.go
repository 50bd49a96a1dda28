//go:build !race

package proxy_test

const raceShare = 1
