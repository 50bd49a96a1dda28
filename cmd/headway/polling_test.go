package main

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// patience is how long a test waits for what should take a moment.
const patience = 10 * time.Second

// until waits for what holds soon.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not", what)
		}
	}
}

// status is the status of a GET, 0 when there is no answer.
func status(url string) int {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// refuses tells whether nothing listens at the address any more.
func refuses(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return true
	}
	_ = c.Close()
	return false
}

// fetch is the body of a 200.
func fetch(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}
