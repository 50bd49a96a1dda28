package prometheus_test

import (
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
)

// metricsOfThePage are names that users query, in either role: a promise.
var metricsOfThePage = []string{
	"headway_time_to_first_event_seconds", "headway_time_to_first_answer_seconds",
	"headway_inter_token_latency_seconds", "headway_tokens_per_chunk", "headway_tokens_total", "headway_prompt_cache_tokens_total", "headway_prompt_cache_misses_total", "headway_prompt_cache_lost_tokens_total", "headway_tokens_delivered_total", "headway_requests_total", "headway_output_tokens_total", "headway_streams_silent", "headway_silences_total", "headway_silence_seconds", "headway_engine_pauses_total", "headway_engine_pause_seconds",
	"headway_no_first_token_total", "headway_stall_seconds", "headway_ratelimit_limit", "headway_ratelimit_remaining",
	"headway_ratelimit_reset_seconds", "headway_proxy_overhead_seconds", "headway_requests_in_flight",
	"headway_streams_in_flight", "headway_upstream_buffering", "headway_unread_requests_total", "headway_decoder_detached_total", "headway_export_dropped_total", "headway_export_queue_bytes",
	"headway_config_last_reload_successful", "headway_connections_total", "headway_accept_waits_total", "headway_loops_total",
	"headway_sealed_requests_total", "headway_sealed_time_to_first_burst_seconds", "headway_sealed_gap_seconds", "headway_sealed_duration_seconds", "headway_build_info",

	"headway_baseline_seconds", "headway_drift_ratio", "headway_drift_return_period_seconds", "headway_drift_alarm", "headway_capacity_headroom_ratio", "headway_scaling_signal_ratio",

	"headway_attempts_total", "headway_chains_total", "headway_chain_attempts", "headway_chain_duration_seconds",
	"headway_chain_time_to_first_token_seconds", "headway_chain_wasted_seconds_total", "headway_chain_wasted_tokens_total",
	"headway_chain_slept_seconds_total", "headway_chain_ambiguous_total", "headway_retry_after_ignored_total",
	"headway_chains_open", "headway_chain_evicted_total",

	"headway_turns_total", "headway_turn_seconds", "headway_turn_time_to_first_answer_seconds", "headway_turn_calls",
	"headway_turns_open", "headway_turn_evicted_total", "headway_session_names_shared_total",

	"headway_cost_total", "headway_output_cost_total", "headway_unpriced_total", "headway_chain_wasted_cost_total",

	"headway_capture_reopened_total", "headway_series", "headway_series_limit", "headway_series_folded_total", "headway_series_released_total",

	"headway_request_limits_total", "headway_limited_requests_total",

	"headway_slo_requests_total", "headway_slo_missed_total", "headway_slo_tokens_total", "headway_slo_tokens_timed_total",
	"headway_slo_tokens_on_time_total", "headway_slo_objective_ratio", "headway_slo_threshold_seconds",
	"headway_probe_runs_total", "headway_probe_last_success_timestamp_seconds", "headway_probe_time_to_first_token_seconds",
	"headway_probe_time_per_output_token_seconds", "headway_probe_duration_seconds", "headway_probe_leader",
}

// roleMetrics are the same for names that belong to one role.
var roleMetrics = []string{
	"gen_ai_server_request_duration_seconds", "gen_ai_server_time_to_first_token_seconds",
	"gen_ai_server_time_per_output_token_seconds", "headway_time_per_output_token_seconds",
}

// olderMetrics and newerMetrics are the same for names that a setting has.
var (
	olderMetrics = []string{
		"gen_ai_client_operation_duration_seconds", "gen_ai_client_operation_time_to_first_chunk_seconds",
		"gen_ai_client_operation_time_per_output_chunk_seconds", "gen_ai_client_token_usage",
	}
	newerMetrics = []string{
		"gen_ai_client_inference_duration_seconds", "gen_ai_client_inference_time_to_first_chunk_seconds",
		"gen_ai_client_inference_time_per_output_chunk_seconds",
		"gen_ai_client_inference_usage_input_tokens_total", "gen_ai_client_inference_usage_output_tokens_total",
		"gen_ai_client_inference_usage_cache_read_input_tokens_total", "gen_ai_client_inference_usage_cache_write_input_tokens_total",
		"gen_ai_client_inference_usage_reasoning_output_tokens_total",
		"gen_ai_client_inference_operation_input_tokens", "gen_ai_client_inference_operation_output_tokens",
	}
)

func TestTableHasTheNamesThatUsersQuery(t *testing.T) {
	for setting, names := range map[exporter.SemConv][]string{
		exporter.V141: slices.Concat(metricsOfThePage, roleMetrics, olderMetrics),
		exporter.V01:  append(slices.Concat(metricsOfThePage, roleMetrics, newerMetrics), "gen_ai_client_operation_duration_seconds"),
		exporter.Dup:  slices.Concat(metricsOfThePage, roleMetrics, olderMetrics, newerMetrics),
	} {
		var got []string
		for _, in := range exporter.Table(setting) {
			got = append(got, prometheus.Name(&in))
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
			t.Errorf("%s: names\n%q, want\n%q", setting, got, want)
		}
	}
}

func TestLabelsHaveTheNamesThatUsersQuery(t *testing.T) {
	want := map[string][]string{
		"headway_slo_requests_total":         {"operation", "model", "upstream", "slo", "verdict", "missed"},
		"headway_slo_missed_total":           {"operation", "model", "upstream", "slo", "indicator"},
		"headway_slo_tokens_total":           {"operation", "model", "upstream", "slo", "verdict"},
		"headway_slo_threshold_seconds":      {"slo", "indicator"},
		"headway_attempts_total":             {"operation", "model", "upstream", "joined_by"},
		"headway_chains_total":               {"operation", "model", "upstream", "outcome"},
		"headway_turns_total":                {"operation", "model", "upstream", "outcome"},
		"headway_turn_seconds":               {"operation", "model", "upstream", "part", "outcome"},
		"headway_chain_wasted_seconds_total": {"operation", "model", "upstream", "cause"},
		"headway_cost_total":                 {"operation", "model", "upstream", "currency", "kind", "source"},
		"headway_output_cost_total":          {"operation", "model", "upstream", "currency", "tokens"},
		"headway_unpriced_total":             {"operation", "model", "upstream", "reason"},
		"headway_chain_wasted_cost_total":    {"operation", "model", "upstream", "cause", "currency"},
		"headway_chain_wasted_tokens_total":  {"operation", "model", "upstream", "cause", "kind"},
		"gen_ai_client_operation_duration_seconds": {
			"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model",
			"server_address", "server_port", "error_type",
		},
		"gen_ai_client_inference_usage_input_tokens_total": {
			"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_response_model",
			"server_address", "server_port", "gen_ai_token_modality",
		},
		"headway_tokens_total":                   {"operation", "model", "upstream", "kind", "source"},
		"headway_prompt_cache_tokens_total":      {"operation", "model", "upstream", "kind"},
		"headway_prompt_cache_misses_total":      {"operation", "model", "upstream", "cause", "changed"},
		"headway_prompt_cache_lost_tokens_total": {"operation", "model", "upstream", "cause"},
		"headway_tokens_delivered_total":         {"operation", "model", "upstream", "state"},
		"headway_requests_total":                 {"operation", "model", "upstream", "stream", "outcome", "error_type"},
		"headway_no_first_token_total":           {"operation", "model", "upstream", "reason"},
		"headway_stall_seconds":                  {"operation", "model", "upstream", "by"},
		"headway_ratelimit_limit":                {"operation", "model", "upstream", "kind"},
		"headway_proxy_overhead_seconds":         {"operation", "model", "upstream", "phase"},
		"headway_connections_total":              {"mode"},
		"headway_decoder_detached_total":         {"reason"},
		"headway_export_dropped_total":           {"signal"},
		"headway_output_tokens_total":            {"operation", "model", "upstream"},
		"headway_streams_silent":                 {"operation", "model", "upstream", "phase", "age"},
		"headway_silences_total":                 {"operation", "model", "upstream", "phase", "ended"},
		"headway_silence_seconds":                {"operation", "model", "upstream", "phase", "ended"},
		"headway_engine_pauses_total":            {"operation", "model", "upstream"},
	}
	for _, in := range exporter.Table(exporter.Dup) {
		if labels, ok := want[prometheus.Name(&in)]; ok && !slices.Equal(prometheus.Labels(&in), labels) {
			t.Errorf("%s has labels %q, want %q", prometheus.Name(&in), prometheus.Labels(&in), labels)
		}
	}
}
