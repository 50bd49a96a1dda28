package injector

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/pod"
	"github.com/headway-sidecar/headway/cmd/internal/sdks"
	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// baseURLs returns the variables by which the SDKs of the application's containers find the
// sidecar. If two upstreams speak the API of one provider, the provider's own host goes
// before a server that imitates it, the upstream before the routes, and the routes in their
// order.
func baseURLs(a *ask) (all []corev1.EnvVar, warnings []string) {
	if a.mode != pod.Explicit || a.sidecar.Config.Role == exchange.Server {
		return nil, nil
	}
	routes := slices.Clone(a.sidecar.Config.RouteTable)
	slices.SortStableFunc(routes, func(x, y proxy.Route) int { return rank(x) - rank(y) })
	set := map[string]bool{}
	for _, r := range routes {
		providers, _ := sdks.Of(r.Upstream.Host, r.Upstream.Port, basePath(r))
		found := false
		for _, p := range providers {
			for _, v := range sdks.Variables(p) {
				found = true
				if !set[v.Name] {
					set[v.Name] = true
					all = append(all, corev1.EnvVar{Name: v.Name, Value: a.sidecar.Address() + r.Prefix + suffix(v.Suffix, basePath(r))})
				}
			}
		}
		if !found {
			warnings = append(warnings, fmt.Sprintf("%s: no SDK has a variable for %s: give your client the base URL %s%s", upstreamOf(r), r.Upstream.Host, a.sidecar.Address(), r.Prefix))
		}
	}
	return all, warnings
}

// rank is 0 for the upstream at a provider's own host, and 3 for a route to another server.
func rank(r proxy.Route) int {
	rank := 0
	if _, own := sdks.Of(r.Upstream.Host, r.Upstream.Port, basePath(r)); !own {
		rank += 2
	}
	if r.Prefix != "" {
		rank++
	}
	return rank
}

// basePath is the path in the URL of the upstream of r.
func basePath(r proxy.Route) string {
	u, err := url.Parse(strings.TrimPrefix(r.String(), r.Prefix+"="))
	if err != nil {
		return ""
	}
	return u.Path
}

func upstreamOf(r proxy.Route) string {
	if r.Prefix == "" {
		return domain + "upstream"
	}
	return domain + "routes"
}

// suffix is what belongs behind the sidecar's address for an upstream with the path: not
// /v1, if the sidecar puts it before the path of every request anyway.
func suffix(ofVariable, path string) string {
	if ofVariable != "" && strings.HasSuffix(strings.TrimRight(path, "/"), ofVariable) {
		return ""
	}
	return ofVariable
}

// bearer is the variable with a key for Bedrock, with which an SDK signs no request.
const bearer = "AWS_BEARER_TOKEN_BEDROCK"

// signs says whether the SDK that reads a variable would sign the host of its requests. In
// explicit mode that host is the sidecar's, so that AWS refuses every one of them
// (docs/sdks.md).
func signs(c *corev1.Container, variable string) bool {
	switch variable {
	case "AWS_ENDPOINT_URL_BEDROCK_RUNTIME":
		return !has(c, bearer)
	case "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME":
		return true
	}
	return false
}

func has(c *corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
}

// missing returns the variables of all that c lacks. A variable of the application's own
// stays, and one that would break its requests is left out: warnings say so.
func missing(c *corev1.Container, all []corev1.EnvVar) (add []corev1.EnvVar, warnings []string) {
	for _, v := range all {
		own := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == v.Name })
		switch {
		case own >= 0 && c.Env[own] == v:
		case own >= 0:
			warnings = append(warnings, fmt.Sprintf("container %s: it has a %s of its own, so headway sees none of these requests; leave the variable out, or set it to %s", c.Name, v.Name, v.Value))
		case signs(c, v.Name):
			warnings = append(warnings, fmt.Sprintf("container %s: %s is not set, because AWS would refuse signed requests; write %s: %s, or give the container %s (Bedrock)",
				c.Name, v.Name, mode, pod.Transparent, bearer))
		default:
			add = append(add, v)
		}
	}
	return add, warnings
}

// ofMesh says whether c is a container of a service mesh, not of the application.
func ofMesh(c *corev1.Container) bool {
	return c.Name == "istio-proxy" || c.Name == "linkerd-proxy"
}
