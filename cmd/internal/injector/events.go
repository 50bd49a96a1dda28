package injector

import (
	"context"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// repeated is how long the same Event is not made again: a Deployment of a hundred replicas
// has a hundred pods with one mistake.
const repeated = 10 * time.Minute

const (
	waiting      = 64   // Events that wait for the API server at most; further ones are dropped
	mostRepeated = 4096 // Events that are remembered
	longestEvent = 1024 // bytes of a message, the limit of the API server
)

// recorder makes Events, which a user finds with kubectl describe. Admissions never wait for
// it.
type recorder struct {
	cluster *Cluster
	queue   chan *corev1.Event
	log     *slog.Logger
}

func newRecorder(c *Cluster, log *slog.Logger) *recorder {
	return &recorder{cluster: c, queue: make(chan *corev1.Event, waiting), log: log}
}

// record makes an Event about the warnings of v, on the owner of p, or on p if it has none:
// p itself is not stored yet. It returns at once.
func (r *recorder) record(p *corev1.Pod, namespace string, v *Verdict) {
	about := corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: p.Name}
	if owner := metav1.GetControllerOf(p); owner != nil {
		about = corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: namespace, Name: owner.Name, UID: owner.UID}
	}
	if about.Name == "" || len(v.Warnings) == 0 {
		return
	}
	reason := "SidecarWarning"
	if v.Result == Left {
		reason = "SidecarLeftOut"
	}
	message := strings.Join(v.Warnings, "; ")
	if len(message) > longestEvent {
		message = strings.ToValidUTF8(message[:longestEvent-len("…")], "") + "…"
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: "headway-injector.", Namespace: namespace},
		InvolvedObject: about, Type: corev1.EventTypeWarning, Reason: reason, Message: message,
		Source: corev1.EventSource{Component: "headway-injector"}, FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	select {
	case r.queue <- event:
	default: // the warnings of the admission say the same
	}
}

// run sends Events until ctx ends.
func (r *recorder) run(ctx context.Context) {
	sent, failed := map[string]time.Time{}, ""
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-r.queue:
			about := &e.InvolvedObject
			key := strings.Join([]string{about.Kind, about.Namespace, about.Name, e.Message}, "\x00")
			if time.Since(sent[key]) < repeated {
				continue
			}
			if len(sent) >= mostRepeated {
				clear(sent)
			}
			sent[key] = time.Now()
			if err := r.cluster.createEvent(ctx, e); err != nil && ctx.Err() == nil && err.Error() != failed {
				failed = err.Error()
				r.log.Warn("making an event", "namespace", about.Namespace, "problem", failed)
			}
		}
	}
}
