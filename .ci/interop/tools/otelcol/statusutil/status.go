// Package statusutil replaces the collector's internal module of this name: the OTLP receiver and exporters require
// that module, and no module proxy serves it. The package has the two functions that they call, written from the
// table of HTTP status codes in the OTLP specification.
package statusutil

import (
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// NewStatusFromMsgAndHTTPCode returns the gRPC status for an answer with this HTTP status.
func NewStatusFromMsgAndHTTPCode(message string, httpStatus int) *status.Status {
	code := codes.Unknown
	switch httpStatus {
	case http.StatusBadRequest:
		code = codes.InvalidArgument
	case http.StatusUnauthorized:
		code = codes.Unauthenticated
	case http.StatusForbidden:
		code = codes.PermissionDenied
	case http.StatusNotFound:
		code = codes.Unimplemented
	case http.StatusTooManyRequests:
		code = codes.ResourceExhausted
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		code = codes.Unavailable
	}
	return status.New(code, message)
}

// GetRetryInfo returns the part of a status that says when to try again, and nil when there is none.
func GetRetryInfo(s *status.Status) *errdetails.RetryInfo {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info
		}
	}
	return nil
}
