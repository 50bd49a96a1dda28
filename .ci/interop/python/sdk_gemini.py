"""Google's SDK, for drive.py. The text of an answer is that of its parts; the neighbors of one kind in a stream are
one."""

import json

import shape
from google import genai
from google.genai import types

__all__ = ["CALLS", "Client", "piece", "request", "whole"]

CALLS = "calls_gemini.json"


class Client(shape.Client):
    def __init__(self, **account):
        super().__init__(**account)
        account = {"api_key": self.api_key, "http_options": types.HttpOptions(base_url=self.base_url)}
        self.gemini = genai.Client(**account)
        self.vertex = genai.Client(vertexai=True, **account)


def request(client, call):
    models = (client.vertex if call.get("vertex") else client.gemini).models
    params = dict(call["params"])
    options = types.HttpOptions(headers=call.get("headers"), timeout=client.timeout and int(client.timeout * 1000))
    params["config"] = dict(params.get("config", {}), httpOptions=options)
    if params.pop("stream", False):
        # The headers come with the events.
        return shape.Reply(shape.Stream(models.generate_content_stream(**params)), {})
    apis = {"generate": models.generate_content, "embed": models.embed_content, "count_tokens": models.count_tokens}
    data = apis[call["api"]](**params)
    return shape.Reply(data, data.sdk_http_response.headers)


def whole(call, reply, line):
    """Takes over an answer that came in one piece."""
    if call["api"] == "embed":
        line["text"] = {i: " ".join(map(repr, e.values)) for i, e in enumerate(reply.embeddings)}
    elif call["api"] == "count_tokens":
        line["usage"] = {"totalTokens": reply.total_tokens}
    else:
        piece(call, reply, line)


def piece(call, event, line):
    """Adds one event of a stream."""
    line["headers"] = line["headers"] or {k.lower(): v for k, v in event.sdk_http_response.headers.items()}
    line["id"], line["model"] = event.response_id, event.model_version
    line["usage"] = event.usage_metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
    line.setdefault("blocks", [])
    for candidate in event.candidates:
        for part in candidate.content.parts:
            take(part, line)
        if candidate.finish_reason:
            line["finish_reason"][0] = candidate.finish_reason.value


def take(part, line):
    blocks = line["blocks"]
    if call := part.function_call:
        blocks.append({"type": "call", "name": call.name})
        line["text"][len(blocks) - 1] = json.dumps(call.args, ensure_ascii=False, separators=(",", ":"))
        return
    if not part.text:  # the last part of a stream
        return
    kind = "thought" if part.thought else "text"
    if not blocks or blocks[-1]["type"] != kind:
        blocks.append({"type": kind})
        line["text"][len(blocks) - 1] = ""
    line["text"][len(blocks) - 1] += part.text
