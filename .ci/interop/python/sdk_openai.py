"""OpenAI's SDK, for drive.py."""

from openai import AsyncOpenAI as AsyncClient
from openai import OpenAI as Client

__all__ = ["AsyncClient", "CALLS", "Client", "arguments", "helper", "piece", "request", "whole"]

CALLS = "calls.json"


def request(client, call):
    api = {
        "chat": client.chat.completions.with_raw_response.create,
        "completions": client.completions.with_raw_response.create,
        "responses": client.responses.with_raw_response.create,
        "embeddings": client.embeddings.with_raw_response.create,
        "models": client.models.with_raw_response.list,
    }
    if call["api"] == "raw":
        return client.post(call["path"], cast_to=object, body=call["params"])
    return api[call["api"]](**arguments(call))


def arguments(call):
    return dict(call.get("params", {}), extra_headers=call.get("headers"))


def helper(client, call):
    """The method that puts a stream together, and the method of its result that returns the whole."""
    if call["api"] == "chat":
        return client.chat.completions.stream, "get_final_completion"
    return client.responses.stream, "get_final_response"


def whole(call, reply, line):
    """Takes over an answer that came, or was put together, in one piece."""
    if call["api"] == "models":
        line["text"] = dict(enumerate(m.id for m in reply.data))
        return
    about(call, reply, line)
    if call["api"] == "embeddings":
        line["text"] = {d.index: " ".join(map(repr, d.embedding)) for d in reply.data}
    elif call["api"] == "responses":
        line["text"][0] = reply.output_text
    else:
        for choice in reply.choices:
            text = choice.text if call["api"] == "completions" else choice.message.content
            line["text"][choice.index] = text
            line["finish_reason"][choice.index] = choice.finish_reason


def piece(call, event, line):
    """Adds one event of a stream."""
    if call["api"] == "responses":
        if event.type == "response.output_text.delta":
            add(line, 0, event.delta)
        if getattr(event, "response", None):
            about(call, event.response, line)
        return
    about(call, event, line)
    for choice in event.choices:
        add(line, choice.index, choice.text if call["api"] == "completions" else choice.delta.content)
        line["finish_reason"][choice.index] = choice.finish_reason


def add(line, index, text):
    line["text"][index] = line["text"].get(index, "") + (text or "")


def about(call, reply, line):
    line["id"] = getattr(reply, "id", None)
    line["model"] = reply.model
    if reply.usage:
        line["usage"] = reply.usage.to_dict()
    if call["api"] == "responses":
        why = reply.incomplete_details.reason if reply.incomplete_details else reply.status
        line["finish_reason"][0] = why
