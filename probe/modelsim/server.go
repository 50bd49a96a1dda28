package modelsim

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxBodyBytes bounds the body of a request.
const maxBodyBytes = 64 << 20

// maxFaultList bounds a list of fault rules.
const maxFaultList = 4 << 10

// Server is a simulated inference server. Its methods are safe for concurrent use.
type Server struct {
	cfg       Config
	log       *slog.Logger
	vocab     *vocabulary
	engine    *engine
	limits    *limiter
	truth     *truth
	endpoints []endpoint
	faults    atomic.Pointer[[]FaultRule]
	created   int64 // Unix seconds
	ordinal   atomic.Uint64
	close     sync.Once
}

// New starts the engine of a simulated server; Close stops it. A nil log discards.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("checking the simulator's configuration: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	vocab := newVocabulary()
	now := time.Now()
	s := &Server{
		cfg: cfg, log: log, vocab: vocab, engine: newEngine(cfg, vocab),
		limits: newLimiter(cfg.RequestsPerMinute, cfg.TokensPerMinute, now),
		truth:  newTruth(cfg.KeepExchanges), created: now.Unix(), endpoints: endpoints(),
	}
	s.faults.Store(&cfg.Faults)
	go s.engine.loop()
	log.Info("simulated engine started", "model", cfg.Models[0], "max_running", cfg.MaxRunning,
		"step_base", cfg.StepBase, "seed", cfg.Seed)
	return s, nil
}

// Close stops the engine and cuts off the requests under way. Later requests get the error of an
// overloaded engine. The ground truth stays readable. Close always returns nil.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.engine.close()
		s.log.Info("simulated engine stopped", "steps", s.engine.stats().Steps)
	})
	return nil
}

// Exchanges returns the ground truth of up to limit requests, newest last, with those under way. A
// limit of 0 or less is no limit.
func (s *Server) Exchanges(limit int) []Exchange { return s.truth.newest(limit) }

// Exchange returns the ground truth of the request with this id; see Exchange.ID.
func (s *Server) Exchange(id string) (Exchange, bool) {
	return s.truth.find(s.truth.byID, id)
}

// ExchangeOf returns the ground truth of the newest request whose traceparent named that span, 16
// hex digits.
func (s *Server) ExchangeOf(span string) (Exchange, bool) {
	return s.truth.find(s.truth.bySpan, span)
}

// Stats returns the state of the engine now.
func (s *Server) Stats() Stats { return s.engine.stats() }

// Handler serves the API:
//
//	POST the APIs that endpoints lists, behind any prefix
//	GET  /v1/models  /v1/models/{model}  /health
//	GET  /sim/exchanges?limit=N  /sim/exchanges/{id}  /sim/stats
//	GET, PUT /sim/faults, a list of rules as ParseFaultRules reads it
//
// Each event of a stream is one Write followed by one Flush.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("GET /v1/models/{model...}", s.model)
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /sim/exchanges", s.exchanges)
	mux.HandleFunc("GET /sim/exchanges/{id}", s.exchange)
	mux.HandleFunc("GET /sim/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	mux.HandleFunc("GET /sim/faults", func(w http.ResponseWriter, _ *http.Request) { s.writeFaults(w) })
	mux.HandleFunc("PUT /sim/faults", s.replaceFaults)
	mux.HandleFunc("/", s.serveAPI)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asksForWebSocket(r) { // Google's SDK for Node begins the path with two slashes, which the mux would redirect
			s.serveAPI(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// SetFaults replaces the rules by which faults strike, from the next request on.
func (s *Server) SetFaults(rules []FaultRule) error {
	cfg := s.cfg
	cfg.Faults = rules
	if err := cfg.Validate(); err != nil {
		return err
	}
	s.faults.Store(&rules)
	return nil
}

// replaceFaults is SetFaults for other processes.
func (s *Server) replaceFaults(w http.ResponseWriter, r *http.Request) {
	list, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaultList))
	var rules []FaultRule
	if err == nil {
		rules, err = ParseFaultRules(string(list))
	}
	if err == nil {
		err = s.SetFaults(rules)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.log.Info("faults replaced", "faults", string(list))
	s.writeFaults(w)
}

func (s *Server) writeFaults(w http.ResponseWriter) {
	for _, rule := range *s.faults.Load() {
		fmt.Fprintln(w, rule)
	}
}

type modelObject struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	OwnedBy     string `json:"owned_by"`
	MaxModelLen int    `json:"max_model_len"` // as vLLM adds it
}

func (s *Server) modelObject(name string) modelObject {
	return modelObject{ID: name, Object: "model", Created: s.created, OwnedBy: "headway-sim", MaxModelLen: s.cfg.MaxModelLen}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	list := struct {
		Object string        `json:"object"`
		Data   []modelObject `json:"data"`
	}{Object: "list"}
	for _, name := range s.cfg.Models {
		list.Data = append(list.Data, s.modelObject(name))
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	if e := s.checkModel(name); e != nil {
		e.write(w, openAI{})
		return
	}
	writeJSON(w, http.StatusOK, s.modelObject(name))
}

func (s *Server) checkModel(name string) *apiError {
	if name == "" {
		return invalidRequest("model", "You must provide a model parameter.")
	}
	for _, known := range s.cfg.Models {
		if name == known {
			return nil
		}
	}
	if !s.cfg.StrictModels {
		return nil
	}
	e := invalidRequest("model", "The model `%s` does not exist.", name)
	e.status, e.Code = http.StatusNotFound, "model_not_found"
	return e
}

func (s *Server) exchanges(w http.ResponseWriter, r *http.Request) {
	limit := 0
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			invalidRequest("limit", "limit must be a number, not %q.", text).write(w, openAI{})
			return
		}
		limit = n
	}
	writeJSON(w, http.StatusOK, s.Exchanges(limit))
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	ex, ok := s.Exchange(r.PathValue("id"))
	if !ok {
		e := invalidRequest("id", "No exchange %q is kept.", r.PathValue("id"))
		e.status = http.StatusNotFound
		e.write(w, openAI{})
		return
	}
	writeJSON(w, http.StatusOK, ex)
}
