package redirect_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy/redirect"
)

// isolate moves the calling goroutine, for good, to a network namespace of its own. It
// skips the test without the right to do so: the test would change this machine's rules.
func isolate(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil && os.Geteuid() == 0 {
		t.Skipf("no network namespace: %v", err)
	}
}

// needs skips the test unless it may make network namespaces and has the programs.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	may := make(chan error)
	go func() {
		runtime.LockOSThread()
		may <- unix.Unshare(unix.CLONE_NEWNET)
	}()
	if err := <-may; err != nil {
		t.Skipf("no network namespace: %v", err)
	}
}

// namespace is a named network namespace of a test.
type namespace string

func newNamespace(t *testing.T) namespace {
	t.Helper()
	n := namespace(fmt.Sprintf("headway-test-%08x", rand.Uint32()))
	run(t, "", "ip", "netns", "add", string(n))
	t.Cleanup(func() { run(t, "", "ip", "netns", "del", string(n)) })
	run(t, "", "ip", "-n", string(n), "link", "set", "lo", "up")
	return n
}

// do runs f in the namespace, and waits for it. Programs that f starts run there too.
func (n namespace) do(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		defer close(done) // also when f ends the test
		runtime.LockOSThread()
		file, err := os.Open("/run/netns/" + string(n))
		if err == nil {
			err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
			_ = file.Close()
		}
		if err != nil {
			done <- err
			return
		}
		f()
	}()
	if err := <-done; err != nil {
		t.Fatalf("entering %s: %v", n, err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// run runs a program in the namespace of the calling thread and returns its output.
func run(t *testing.T, in, name string, args ...string) string {
	t.Helper()
	var out, complaints bytes.Buffer
	command := exec.Command(name, args...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(in), &out, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &complaints)
	}
	return out.String()
}

// listing is all rules of every kind in the namespace of the calling thread.
func listing(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString(run(t, "", "nft", "list", "ruleset"))
	for _, program := range []string{"iptables-legacy", "ip6tables-legacy"} {
		text.WriteString("# " + program + "\n" + run(t, "", program, "-t", "nat", "-S"))
	}
	return text.String()
}

// filterPrograms are the programs that the tests of the real packet filter need.
func filterPrograms() []string {
	return []string{"ip", "nft", "iptables-nft", "ip6tables-nft", "iptables-legacy", "ip6tables-legacy"}
}

// usersRules are rules of another program: a table, and in iptables a chain with rules
// and jumps.
func usersRules(t *testing.T) {
	t.Helper()
	run(t, "table inet mine { chain output { type nat hook output priority -100; tcp dport 5432 redirect to :6432; }; }\n", "nft", "-f", "-")
	for _, variant := range []string{"-nft", "-legacy"} {
		for _, stem := range []string{"iptables", "ip6tables"} {
			run(t, "*nat\n:MINE - [0:0]\n-A OUTPUT -p tcp -m tcp --dport 5432 -j MINE\n-A PREROUTING -p tcp -j MINE\n"+
				"-A MINE -p tcp -m tcp --dport 5432 -j REDIRECT --to-ports 6432\nCOMMIT\n", stem+variant+"-restore", "--noflush")
		}
	}
}

func TestRealFiltersTakeThePlanOnceAndGiveItBack(t *testing.T) {
	needs(t, filterPrograms()...)
	for _, backend := range redirect.Backends()[1:] {
		for name, plan := range plans() {
			t.Run(string(backend)+"/"+name, func(t *testing.T) {
				n := newNamespace(t)
				n.do(t, func() { checkRoundTrip(t, plan, backend) })
			})
		}
	}
}

func checkRoundTrip(t *testing.T, plan redirect.Plan, backend redirect.Backend) {
	usersRules(t)
	filter := redirect.Filter{}
	before := listing(t)
	install := func(p redirect.Plan) string {
		if _, err := filter.Install(t.Context(), p, backend); err != nil {
			t.Error(err)
			runtime.Goexit()
		}
		return listing(t)
	}
	once := install(plan)
	if once == before {
		t.Error("nothing was installed")
	}
	if twice := install(plan); twice != once {
		t.Errorf("a second install changes the rules from\n%s\nto\n%s", once, twice)
	}
	other := redirect.Default()
	other.Inbound = ports("9999")
	install(other)
	if again := install(plan); again != once {
		t.Errorf("another plan in between changes the rules from\n%s\nto\n%s", once, again)
	}
	for _, want := range []int{1, 0} {
		results, err := filter.Remove(t.Context(), redirect.Auto)
		if err != nil || len(results) != want {
			t.Errorf("remove: %v, %v, want %d results", results, err, want)
		}
		if after := listing(t); after != before {
			t.Errorf("after remove there is\n%s\nbefore install there was\n%s", after, before)
		}
	}
}

func TestKernelHoldsWhatShowPrints(t *testing.T) {
	needs(t, filterPrograms()...)
	filter := redirect.Filter{}
	for name, plan := range plans() {
		t.Run(name, func(t *testing.T) {
			n := newNamespace(t)
			n.do(t, func() {
				script := redirect.Show(plan, redirect.Nftables)
				run(t, script, "nft", "-c", "-f", "-")
				run(t, script, "nft", "-f", "-")
				want := run(t, "", "nft", "list", "ruleset")
				if _, err := filter.Install(t.Context(), plan, redirect.Nftables); err != nil {
					t.Error(err)
					return
				}
				if got := run(t, "", "nft", "list", "ruleset"); got != want {
					t.Errorf("over netlink the kernel gets\n%s\nfrom what is shown\n%s", got, want)
				}
				if got, err := filter.Installed(t.Context()); err != nil || got != rulesOf(script) {
					t.Errorf("read back as\n%s\nwith %v, shown was\n%s", got, err, script)
				}
			})
		})
	}
}

// rulesOf is a script without the lines that delete its old tables.
func rulesOf(script string) string {
	var b strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "delete ") || strings.HasPrefix(line, "table ") && !strings.Contains(line, "{") {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestInstalledIsWhatIPTablesLists(t *testing.T) {
	needs(t, filterPrograms()...)
	n := newNamespace(t)
	n.do(t, func() {
		usersRules(t)
		filter := redirect.Filter{}
		plan := plans()["everything"]
		if _, err := filter.Install(t.Context(), plan, redirect.NFTIPTables); err != nil {
			t.Error(err)
			return
		}
		got, err := filter.Installed(t.Context())
		if err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(redirect.Show(plan, redirect.NFTIPTables)) {
			if !strings.HasPrefix(line, "#") && !strings.Contains(got, line) {
				t.Errorf("%q is missing in\n%s", line, got)
			}
		}
		if strings.Contains(got, "MINE") {
			t.Errorf("somebody else's rules are among\n%s", got)
		}
	})
}

func TestAutoGoesWhereRulesAre(t *testing.T) {
	needs(t, filterPrograms()...)
	const rule = "*nat\n-A OUTPUT -p tcp -m tcp --dport 5432 -j ACCEPT\nCOMMIT\n"
	tests := []struct {
		name, program string
		want          redirect.Backend
	}{
		{"nowhere", "", redirect.Nftables},
		{"legacy IPv4", "iptables-legacy-restore", redirect.LegacyIPTables},
		{"legacy IPv6", "ip6tables-legacy-restore", redirect.LegacyIPTables},
		{"iptables over nftables", "iptables-nft-restore", redirect.Nftables},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNamespace(t)
			n.do(t, func() {
				if tt.program != "" {
					run(t, rule, tt.program, "--noflush")
				}
				filter := redirect.Filter{}
				if got, why, err := filter.Choose(t.Context()); got != tt.want || why == "" || err != nil {
					t.Errorf("%s (%s), %v, want %s", got, why, err, tt.want)
				}
				if tt.want == redirect.Nftables {
					return
				}
				// With the program gone, the kernel's nftables still work.
				filter.Run = (&host{}).run
				if got, _, err := filter.Choose(t.Context()); got != redirect.Nftables || err != nil {
					t.Errorf("without iptables: %s, %v", got, err)
				}
			})
		})
	}
}

func TestABackendTakesOverFromAnother(t *testing.T) {
	needs(t, filterPrograms()...)
	n := newNamespace(t)
	n.do(t, func() {
		usersRules(t)
		before, filter := listing(t), redirect.Filter{}
		for _, backend := range []redirect.Backend{redirect.LegacyIPTables, redirect.NFTIPTables, redirect.Nftables, redirect.LegacyIPTables} {
			r, err := filter.Install(t.Context(), redirect.Default(), backend)
			if err != nil {
				t.Error(err)
				return
			}
			if backend != redirect.LegacyIPTables && len(r.Notices) != 1 {
				t.Errorf("%s: notices %q", backend, r.Notices)
			}
		}
		if results, err := filter.Remove(t.Context(), redirect.Auto); err != nil || len(results) != 1 || results[0].Backend != redirect.LegacyIPTables {
			t.Errorf("removed %v, %v", results, err)
		}
		if after := listing(t); after != before {
			t.Errorf("there remains\n%s\nof\n%s", after, before)
		}
	})
}

func TestManyExclusionsFitIntoOneTransaction(t *testing.T) {
	needs(t, "ip")
	n := newNamespace(t)
	n.do(t, func() {
		plan := redirect.Default()
		plan.ExcludeCIDRs = nil
		for i := range 2000 {
			plan.ExcludeCIDRs = append(plan.ExcludeCIDRs, cidrs(fmt.Sprintf("10.%d.%d.0/24", i/250, i%250))...)
		}
		filter := redirect.Filter{}
		if _, err := filter.Install(t.Context(), plan, redirect.Nftables); err != nil {
			t.Error(err)
		}
		if text, err := filter.Installed(t.Context()); err != nil || strings.Count(text, "ip daddr 10.") != 2000 {
			t.Errorf("%d exclusions are there, %v", strings.Count(text, "ip daddr 10."), err)
		}
	})
}
