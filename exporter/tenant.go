package exporter

import (
	"slices"
	"time"
	"unique"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Tenant is the values of all labels that the configuration takes from requests, together: one
// combination of team and tenant, say. It is comparable, and as small as a pointer. The zero
// Tenant has no values: the configuration defines no labels, or an instrument leaves them out.
type Tenant struct {
	values unique.Handle[labelValues]
}

// labelValues are the values in the order of the labels, and empty behind the last one.
type labelValues [exchange.MaxLabels]string

func tenantOf(values []string) Tenant {
	var all labelValues
	copy(all[:], values)
	return Tenant{unique.Make(all)}
}

// append appends the first n values of t.
func (t Tenant) append(to []string, n int) []string {
	if n == 0 {
		return to
	}
	var all labelValues
	if t != (Tenant{}) {
		all = t.values.Value()
	}
	return append(to, all[:n]...)
}

// beyond is the tenant that stands for all those without a place; that of no labels is zero.
func (t Tenant) beyond() Tenant {
	if t == (Tenant{}) {
		return t
	}
	var all labelValues
	for i := range all {
		all[i] = Other
	}
	return tenantOf(all[:])
}

// Label gives the instruments that tell tenants apart the labels of these names, exchange.MaxLabels
// at most, and lets so many combinations of their values through. Call it before Table and
// before the first exchange.
func (n *Names) Label(labels []string, limit int) {
	if len(labels) == 0 {
		return
	}
	n.labels, n.tenants.limit = labels, limit
	n.tenants.keep(tenantOf(nil)) // requests that name no tenant need no place
}

// Table lists the instruments of a setting, with the labels of Label.
func (n *Names) Table(s SemConv) []Instrument {
	table := Table(s)
	for i := range table {
		if table[i].PerTenant {
			table[i].tenant = n.labels
		}
	}
	return table
}

// tenant returns the Tenant with these values, if it has a place or takes one, and else the one
// that stands for all others.
func (n *Names) tenant(values []string, by claim, now time.Time) Tenant {
	if len(n.labels) == 0 {
		return Tenant{}
	}
	t := tenantOf(values)
	if _, ok := n.tenants.find(t, by, now); ok {
		return t
	}
	fit := t.clean()
	if fit != t {
		if _, ok := n.tenants.find(fit, by, now); ok {
			return fit
		}
	}
	if fit.other(len(n.labels)) {
		return fit.beyond() // which must not take a place, or lose one
	}
	same := func(t Tenant) Tenant { return t }
	_, gone, ok := n.tenants.admit(fit, same, by, now)
	for _, t := range gone {
		n.series.release(func(id Identity) bool { return id.Tenant == t })
	}
	if ok {
		return fit
	}
	return fit.beyond()
}

// other says whether the first n values of t are all Other.
func (t Tenant) other(n int) bool {
	all := t.values.Value()
	return !slices.ContainsFunc(all[:n], func(value string) bool { return value != Other })
}

// clean returns t with values that end as the names of models do.
func (t Tenant) clean() Tenant {
	all := t.values.Value()
	for i, value := range all {
		all[i] = clean(value)
	}
	return tenantOf(all[:])
}
