package reading

import "github.com/headway-sidecar/headway/proxy/dialect/frame"

// ErrorPaths are the places of errors in the envelopes of vendors and of the gateways that
// stand before any API: they send them with status 200 too. What only may be an error is
// none beside an answer. Join them ahead of the API's own places.
func ErrorPaths() frame.Paths {
	return Join(frame.Paths{
		"error":                  Failure,
		"error.[]":               Failure,
		"errors":                 Failure,
		"errors.[]":              Failure,
		"[].error":               Failure, // Google, where OpenAI has an object
		"Error":                  Failure,
		"fault":                  Failure, // Apigee
		"base_resp.status_code":  Status,  // MiniMax
		"ResponseMetadata.Error": Failure, // Volcano Engine
		"Response.Error":         Failure, // Tencent
		"success":                Success,
	}, As(Blame, frame.Paths{
		"message": 0, "msg": 0, "detail": 0, "error_msg": 0, "Message": 0, "errorMessage": 0, "error_message": 0, "errmsg": 0, "exception": 0,
		"err": 0, "err_msg": 0, "errMsg": 0, "error_description": 0, "title": 0,
	}))
}
