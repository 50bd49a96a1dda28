package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// FreeAddress returns an address on loopback that has no listener.
func FreeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// Get returns the body of an answer with status 200. Another answer is an error that
// quotes the answer.
func Get(url string) ([]byte, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return body, err
}

// GetJSON decodes the body of an answer with status 200 into a value.
func GetJSON(url string, into any) error {
	body, err := Get(url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// Status returns the status of a GET, or 0 without an answer.
func Status(url string) int {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: Patience}
	response, err := client.Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// Refuses says whether the address refuses connections.
func Refuses(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return true
	}
	_ = c.Close()
	return false
}

// Fetch is Get for a test that fails without the answer.
func Fetch(t *testing.T, url string) string {
	t.Helper()
	body, err := Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
