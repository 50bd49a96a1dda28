"""Requests to inference servers whose native API has no SDK, for clients.py: native-sglang, native-llamacpp and
native-triton, with the HTTP client that their documents use."""

import json

import requests


def sglang(call, streamed):
    return "/generate", {"text": call["prompt"], "sampling_params": {"max_new_tokens": call["max_tokens"]}, "stream": streamed}


def llamacpp(call, streamed):
    return "/completion", {"prompt": call["prompt"], "n_predict": call["max_tokens"], "stream": streamed}


def triton(call, streamed):
    verb = "generate_stream" if streamed else "generate"
    path = f"/v2/models/{call['params']['model']}/{verb}"
    return path, {"text_input": call["prompt"], "parameters": {"max_tokens": call["max_tokens"]}}


SERVERS = {"native-sglang": sglang, "native-llamacpp": llamacpp, "native-triton": triton}


def connect(base_url, client):
    def make(call, line):
        streamed = call["params"].get("stream", False)
        path, body = SERVERS[client](call, streamed)
        with requests.post(base_url + path, json=body, headers=call.get("headers"), stream=streamed) as reply:
            reply.raise_for_status()
            if not streamed:
                take(reply.json(), line)
                return
            for data in line.pieces(events(reply)):
                take(json.loads(data), line)

    return make


def events(reply):
    for text in reply.iter_lines(chunk_size=None):
        data = text.removeprefix(b"data: ")
        if data and data != b"[DONE]":
            yield data


def take(event, line):
    """Adds a whole answer, or an event of one."""
    if "error" in event:
        raise RuntimeError(event["error"])
    if "text" in event:  # all of it so far
        line["text"] = event["text"]
        line["usage"] = event["meta_info"]["completion_tokens"]
        line["finish"] = event["meta_info"]["finish_reason"]
        return
    line["text"] += event.get("text_output") or event.get("content", "")
    if event.get("stop"):
        line["finish"] = event["stop_type"]
        line["usage"] = event["tokens_predicted"]
