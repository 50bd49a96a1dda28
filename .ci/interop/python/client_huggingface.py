"""Hugging Face's client of Text Generation Inference, for clients.py. It sends a request to exactly the URL that it has,
and by itself knows no path of the server."""

import huggingface_hub


def connect(base_url, _client):
    def make(call, line):
        streamed = call["params"].get("stream", False)
        path = "/generate_stream" if streamed else "/generate"
        client = huggingface_hub.InferenceClient(base_url + path, headers=call.get("headers"))
        params = {"max_new_tokens": call["max_tokens"], "details": True}
        if not streamed:
            reply = client.text_generation(call["prompt"], **params)
            line["text"] = reply.generated_text
            ends(reply.details, line)
            return
        with client:
            for event in line.pieces(client.text_generation(call["prompt"], stream=True, **params)):
                line["text"] += event.token.text
                if event.details:
                    ends(event.details, line)

    return make


def ends(details, line):
    line["finish"] = details.finish_reason
    line["usage"] = details.generated_tokens
