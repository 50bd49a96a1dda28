package injector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostBytes bounds a review: etcd takes objects of 1.5 MiB, and a review has old and new.
const mostBytes = 3 << 20

// reviews are the versions of admission that the webhook speaks.
const reviews = "admission.k8s.io/v1"

// errNoReview says that a body is no review that can be answered.
var errNoReview = errors.New("this is no AdmissionReview of " + reviews)

// Decode reads a review. Its pod is nil if the review is not about a new pod.
func Decode(body []byte) (*admissionv1.AdmissionReview, *corev1.Pod, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errNoReview, err)
	}
	if review.APIVersion != reviews || review.Kind != "AdmissionReview" || review.Request == nil {
		return nil, nil, errNoReview
	}
	r := review.Request
	if r.Kind != (metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}) || r.SubResource != "" || r.Operation != admissionv1.Create {
		return &review, nil, nil
	}
	var p corev1.Pod
	if err := json.Unmarshal(r.Object.Raw, &p); err != nil {
		return &review, nil, fmt.Errorf("reading the pod: %w", err)
	}
	return &review, &p, nil
}

// ServeHTTP answers a review.
func (w *Webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	defer w.metrics.timed()()
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, mostBytes))
	if err != nil {
		w.metrics.count(Invalid)
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(rw, "reading the review: "+err.Error(), status)
		return
	}
	review, p, err := Decode(body)
	if review == nil {
		w.metrics.count(Invalid)
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	answer := w.answer(r.Context(), review.Request, p, err)
	answer.UID = review.Request.UID
	text, err := json.Marshal(&admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: answer})
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(text)
}

// answer decides about a request with the pod p, which may be nil, or which could not be
// read with the error unread.
func (w *Webhook) answer(ctx context.Context, r *admissionv1.AdmissionRequest, p *corev1.Pod, unread error) *admissionv1.AdmissionResponse {
	allowed := &admissionv1.AdmissionResponse{Allowed: true}
	if p == nil {
		w.metrics.count(Invalid)
		if unread != nil {
			allowed.Warnings = marked("no sidecar: ", []string{unread.Error()})
		}
		return allowed
	}
	ns := w.namespaces.get(ctx, r.Namespace)
	v := Mutate(p, ns, w.own, w.settings)
	w.metrics.count(v.Result)
	if v.Refusal != "" {
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Status: metav1.StatusFailure, Message: v.Refusal, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden}}
	}
	if r.DryRun == nil || !*r.DryRun {
		w.recorder.record(p, r.Namespace, &v)
	}
	allowed.Warnings = v.Warnings
	if len(v.Patch) > 0 {
		text, err := json.Marshal(v.Patch)
		if err != nil {
			allowed.Warnings = append(allowed.Warnings, marked("no sidecar: ", []string{err.Error()})...)
			return allowed
		}
		kind := admissionv1.PatchTypeJSONPatch
		allowed.Patch, allowed.PatchType = text, &kind
	}
	return allowed
}
