package sidecar

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
)

// TestAdminRequestThatTakesTooLongIsCut when headway stops.
func TestAdminRequestThatTakesTooLongIsCut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked, cut := make(chan struct{}), make(chan struct{})
	admin := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(cut)
	})}
	served := make(chan error, 1)
	go func() { served <- admin.Serve(l) }()
	failed := make(chan error, 1)
	go func() {
		r, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			_ = r.Body.Close()
		}
		failed <- err
	}()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopAdmin(ctx, admin)
	<-cut
	if err := <-failed; err == nil {
		t.Error("the request was answered")
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}
