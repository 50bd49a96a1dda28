package turn_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/turn"
)

// agent is one session of the corpus.
type agent struct {
	world   *world
	client  *client
	number  int
	uuid    string
	turn    int
	all     []said
	last    string         // id of the last response
	answers map[int]string // ids of the responses that ended turns, by the length of all
	asked   int            // of its calls, to number those of one session
	model   map[int]int    // calls of each turn
}

// openings are first questions that many sessions have, some with one answer. Nobody can tell
// such sessions apart by their second question alone.
var openings = []string{"hi", "fix the tests", "what changed since yesterday?", "explain this file"}

// live runs an agent for some turns.
func (a *agent) live(turns int) {
	w := a.world
	for range turns {
		if len(a.all) > 0 && w.chance(15) {
			a.goBack()
		}
		text := fmt.Sprintf("question %d of %d", a.turn, a.number)
		if a.turn == 0 && w.chance(10) {
			text = openings[w.random.IntN(len(openings))]
		}
		before := len(a.all)
		a.all = append(a.all, said{who: "human", text: text})
		a.loop(&a.all, before, 4)
		a.answers[len(a.all)] = a.last
		a.turn++
		w.sleep(w.between(20*time.Microsecond, 90*time.Second))
	}
}

// goBack forgets the last turns, and keeps at least the first.
func (a *agent) goBack() {
	ends := slices.Sorted(maps.Keys(a.answers))
	to := ends[a.world.random.IntN(len(ends))]
	a.all, a.last = slices.Clone(a.all[:to]), a.answers[to]
	maps.DeleteFunc(a.answers, func(end int, _ string) bool { return end > to })
}

// loop asks the model until it calls no tool. Sent is how many messages the server knows.
func (a *agent) loop(all *[]said, sent, rounds int) {
	w := a.world
	for {
		answer := said{who: "model", text: fmt.Sprintf("answer %d of %d", a.asked, a.number)}
		if a.asked == 0 && w.chance(50) {
			answer.text = "hello, what can I do?"
		}
		a.asked++
		if rounds > 0 && w.chance(70) {
			for range 1 + w.random.IntN(4) {
				answer.calls = append(answer.calls, a.callID(len(answer.calls)))
			}
		}
		a.call(*all, sent, answer)
		sent = len(*all) + 1
		*all = append(*all, answer)
		if len(answer.calls) == 0 {
			return
		}
		a.tools(all, answer.calls)
		rounds--
	}
}

func (a *agent) callID(n int) string {
	if a.client.twins {
		return fmt.Sprintf("functions.look:%d", n)
	}
	return a.world.id("call_")
}

// tools runs the tools of one response. Some are agents of their own.
func (a *agent) tools(all *[]said, calls []string) {
	w := a.world
	if a.client.nests && w.chance(25) {
		var subs []func()
		for range 1 + w.random.IntN(3) {
			subs = append(subs, func() {
				own := []said{{who: "human", text: "you are a part of " + a.uuid + w.id("")}}
				a.loop(&own, 0, 2)
			})
		}
		w.together(subs...)
	} else {
		w.sleep(w.between(30*time.Microsecond, 20*time.Second))
	}
	for _, id := range calls {
		*all = append(*all, said{who: "tool", text: "result " + w.id(""), call: id})
	}
}

// call asks the model once, and again while it is overloaded.
func (a *agent) call(all []said, sent int, answer said) {
	w := a.world
	follows := ""
	if a.client.late {
		all, follows = all[sent:], a.last
	}
	body := a.client.body(a, all, follows)
	id := w.id("resp_")
	of := truth{kind: a.client.name, session: a.number, turn: a.turn, marked: a.client.marked}
	fields := a.client.fields(a)
	for w.chance(8) {
		w.ask(of, a.client.path, fields, body, 429, `{"error":{"message":"slow down","type":"rate_limit_error"}}`, w.between(time.Millisecond, 300*time.Millisecond))
		w.sleep(w.between(400*time.Millisecond, 500*time.Millisecond))
	}
	a.model[a.turn]++
	w.ask(of, a.client.path, fields, body, 200, a.client.answer(a, id, answer), w.between(200*time.Millisecond, 9*time.Second))
	a.last = id
}

// TestCorpus joins the exchanges of agents of many kinds, and compares sessions and turns
// with the truth.
func TestCorpus(t *testing.T) {
	const agents = 1200
	w := newWorld(1, turn.Config{})
	all := populate(w, clients, agents, 20*time.Minute)
	w.run()
	score := judge(w)
	t.Log(score)
	if score.share() < .99 {
		t.Errorf("only %.2f %% of the exchanges are joined right, want 99", 100*score.share())
	}
	if score.strangers > 0 {
		t.Errorf("%d sessions hold exchanges that a name tells apart", score.strangers)
	}
	checkCalls(t, w, all)
}

// populate starts agents of the kinds within a while.
func populate(w *world, kinds []client, n int, within time.Duration) []*agent {
	var all []*agent
	for i := range kinds {
		c := &kinds[i]
		for range n * c.share / 100 {
			w.serial++
			a := &agent{
				world: w, client: c, number: len(all) + 1, answers: map[int]string{}, model: map[int]int{},
				uuid: fmt.Sprintf("%08x-1111-4222-8333-%012x", len(all)+1, w.random.Uint64()>>16),
			}
			all = append(all, a)
			w.spawn(w.now+w.between(0, within), func() { a.live(1 + w.random.IntN(5)) })
		}
	}
	return all
}

// score is how many exchanges of each kind were joined right.
type score struct {
	right, all map[string]int
	strangers  int // sessions with exchanges of several sessions that their clients name
}

func (s score) share() float64 {
	right, all := 0, 0
	for k := range s.all {
		right, all = right+s.right[k], all+s.all[k]
	}
	return float64(right) / float64(all)
}

func (s score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.2f %% right\n", 100*s.share())
	for _, k := range slices.Sorted(maps.Keys(s.all)) {
		fmt.Fprintf(&b, "%-36s %6d of %6d: %.2f %%\n", k, s.right[k], s.all[k], 100*float64(s.right[k])/float64(s.all[k]))
	}
	return b.String()
}

// judge compares what the Joiner made of the exchanges, in the order in which they began,
// with the truth. An exchange is right that is in the turn of its turn's exchange before; or,
// as the first of its turn, in another turn of the same session; or, as the first of its
// session, in a session that nobody else is in.
func judge(w *world) score {
	s := score{right: map[string]int{}, all: map[string]int{}}
	slices.SortStableFunc(w.seen, func(a, b seen) int { return a.record.Start.Compare(b.record.Start) })
	last := map[int]seen{}
	owner := map[exchange.SessionID]int{}
	mixed := map[exchange.SessionID]bool{}
	for _, x := range w.seen {
		got := x.record.Turn
		before, known := last[x.session]
		last[x.session] = x
		has, taken := owner[got.Session]
		if !taken {
			owner[got.Session] = x.session
		} else if has != x.session && x.marked {
			mixed[got.Session] = true
		}
		right := !taken
		if known {
			right = got.Session == before.record.Turn.Session && (got.ID == before.record.Turn.ID) == (x.turn == before.turn)
		}
		s.all[x.kind]++
		if right {
			s.right[x.kind]++
		}
	}
	s.strangers = len(mixed)
	return s
}

// checkCalls fails the test unless turns count calls, not attempts, and every answered turn
// of a client that names its sessions comes once.
func checkCalls(t *testing.T, w *world, all []*agent) {
	t.Helper()
	told, calls := map[exchange.TurnID]exchange.WholeTurn{}, 0
	for _, o := range w.over {
		if _, twice := told[o.ID]; twice {
			t.Fatalf("turn %s comes twice", o.ID)
		}
		told[o.ID] = o
		calls += o.Calls
		if o.Model+o.Tool > o.All || o.Model <= 0 {
			t.Errorf("turn %s: %v of models and %v of tools in %v", o.ID, o.Model, o.Tool, o.All)
		}
	}
	want := 0
	for _, a := range all {
		for _, n := range a.model {
			want += n
		}
	}
	if calls < want || calls > want+want/200 {
		t.Errorf("turns have %d calls, want %d", calls, want)
	}
	for _, x := range w.seen {
		if _, ok := told[x.record.Turn.ID]; !ok {
			t.Fatalf("the turn %s of an exchange never ended", x.record.Turn.ID)
		}
	}
}
