package modelsim

// pathMessagesBody is a request to the Messages API in a cloud, whose path tells the model and whether
// the answer is a stream.
type pathMessagesBody struct{ messagesBody }

func (body *pathMessagesBody) plan(c *call) (order, encoder, error) {
	body.Model, body.Stream = c.pathName, c.api.framing != nil
	o, enc, err := body.messagesBody.plan(c)
	if _, wrapped := c.api.framing.(invokeStream); wrapped && err == nil {
		enc = &invokeEncoder{enc, c.start}
	}
	return o, enc, err
}
