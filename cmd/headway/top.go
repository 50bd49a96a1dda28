package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/turn"
)

const topUsage = `usage: headway top [flags] [ADDRESS]

Watches a running sidecar: the latencies of the last half minute, its SLOs, how
canaries and production compare with the load test, the streams under way with
the longest silence first, and the calls that failed at least once. On a terminal it is a table until Ctrl-C; elsewhere it is a line each
time. ADDRESS is the sidecar's admin port, 127.0.0.1:8481 for example, or its
URL. Each bar of a stream stands for the tokens between two tables, and each dot
for none.`

// topRows is how many streams, calls and turns top asks for: more than most terminals have lines.
const topRows = 200

// runTop is `headway top`.
func runTop(ctx context.Context, args []string, out, _ io.Writer) error {
	f := newFlags("top")
	admin := adminFlags(f)
	every := f.Duration("every", time.Second, "time between two tables")
	args, err := parseArguments(f, args, topUsage, out)
	switch {
	case err != nil:
		return err
	case len(args) > 1:
		return usageError{fmt.Errorf("one sidecar at a time: %q", args)}
	case len(args) == 1 && admin.url != "":
		return usageError{errors.New("ADDRESS and --admin say the same: name one of them")}
	case *every < 100*time.Millisecond:
		return usageError{fmt.Errorf("--every: %v is less than 100ms", *every)}
	case len(args) == 1:
		admin.url = withScheme(args[0])
	}
	client, err := admin.client(os.Getenv)
	if err != nil {
		return usageError{err}
	}
	if _, err := client.frame(ctx); err != nil {
		return fmt.Errorf("no sidecar answers: does headway run, and is this its admin port? (%w)", err)
	}
	live.NewScreen(out).FollowWhole(ctx, client.frame, *every)
	return nil
}

// withScheme makes a URL of an address.
func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// frame asks the sidecar how traffic goes now.
func (a *adminClient) frame(ctx context.Context) (*live.Frame, error) {
	var out live.Frame
	drift := struct{ Findings *[]live.Finding }{&out.Drift}
	open := struct{ Streams *[]live.Stream }{&out.Streams}
	calls := struct{ Chains *[]chain.Summary }{&out.Chains}
	turns := struct{ Turns *[]turn.Summary }{&out.Turns}
	limit := fmt.Sprintf("?limit=%d", topRows)
	err := cmp.Or(
		a.read(ctx, "/api/v1/summary", &out.Summary),
		a.read(ctx, "/api/v1/drift", &drift),
		a.read(ctx, "/api/v1/open"+limit, &open),
		a.read(ctx, "/api/v1/chains"+limit, &calls),
		a.read(ctx, "/api/v1/turns"+limit, &turns),
	)
	out.Turns = live.Agents(out.Turns)
	if err == nil && len(out.Window.Rows) == 0 {
		return nil, errors.New("its answer is none of a headway of this version")
	}
	return &out, err
}

// read asks for a JSON document.
func (a *adminClient) read(ctx context.Context, path string, into any) error {
	return a.request(ctx, http.MethodGet, path, http.StatusOK, into)
}
