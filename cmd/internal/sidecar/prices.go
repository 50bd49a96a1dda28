package sidecar

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo/price"
	"github.com/headway-sidecar/headway/slo/strict"
)

// prices keeps the price file of a running sidecar. A nil prices prices nothing.
type prices struct {
	*price.Teller
	file *liveFile // nil without HEADWAY_PRICE_FILE
	log  *slog.Logger
}

// newPrices returns the stage that prices by c and hands every Record to next. It returns
// nil without a price.
func newPrices(c config.Config, next exchange.Observer, log *slog.Logger) *prices {
	if c.PriceFile == "" && len(c.Prices.List.Prices) == 0 {
		return nil
	}
	p := &prices{Teller: price.NewTeller(c.Prices.List, next), log: log}
	p.warn(c.Prices.Warnings)
	if c.PriceFile == "" {
		return p
	}
	p.file = &liveFile{path: c.PriceFile, apply: p.apply, log: log, seen: sha256.Sum256(c.Prices.Text)}
	return p
}

// apply puts other prices into force.
func (p *prices) apply(text []byte) error {
	read, err := config.ParsePrices(p.file.path, text)
	if err != nil {
		return err
	}
	p.warn(read.Warnings)
	p.Replace(read.List)
	return nil
}

func (p *prices) warn(warnings []strict.Problem) {
	for _, w := range warnings {
		p.log.Warn("price file", "warning", w.Error())
	}
}

// before returns p as the observer before next, or next itself if nothing is priced.
func (p *prices) before(next exchange.Observer) exchange.Observer {
	if p == nil {
		return next
	}
	return p
}

// follow applies changes of the file until ctx ends. A signal on asked makes it read the
// file at once.
func (p *prices) follow(ctx context.Context, asked <-chan os.Signal) {
	if p != nil && p.file != nil {
		p.file.follow(ctx, asked)
	}
}

// reloaded says whether the newest content of the file is in force.
func (p *prices) reloaded() bool { return p == nil || p.file == nil || !p.file.failed.Load() }
