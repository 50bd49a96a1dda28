"""Anthropic's SDK, for drive.py. The text of an answer is that of its content blocks; blocks has the rest of them."""

import json

from anthropic import Anthropic as Client
from anthropic import AsyncAnthropic as AsyncClient

__all__ = ["AsyncClient", "CALLS", "Client", "arguments", "helper", "piece", "request", "whole"]

CALLS = "calls_anthropic.json"


def request(client, call):
    api = {
        "messages": client.messages.with_raw_response.create,
        "count_tokens": client.messages.with_raw_response.count_tokens,
    }
    return api[call["api"]](**arguments(call))


def arguments(call):
    """The parameters of a call and, for the simulator, those that the SDK does not know."""
    return dict(call["params"], extra_headers=call.get("headers"), extra_body=call.get("extra"))


def helper(client, call):
    """The method that puts a stream together, and the method of its result that returns the whole."""
    return client.messages.stream, "get_final_message"


def whole(call, reply, line):
    """Takes over an answer that came, or was put together, in one piece."""
    if call["api"] == "count_tokens":
        line["usage"] = reply.to_dict()
        return
    about(reply, line)
    line["finish_reason"][0] = reply.stop_reason
    line["blocks"] = []
    for index, block in enumerate(reply.content):
        take(block, index, line)
        if block.type == "tool_use":
            line["text"][index] = json.dumps(block.input, ensure_ascii=False, separators=(",", ":"))


def piece(call, event, line):
    """Adds one event of a stream."""
    if event.type == "message_start":
        about(event.message, line)
        line["blocks"] = []
    elif event.type == "content_block_start":
        take(event.content_block, event.index, line)
    elif event.type == "content_block_delta":
        for field in ("text", "thinking", "partial_json"):
            line["text"][event.index] += getattr(event.delta, field, "")
        if signature := getattr(event.delta, "signature", None):
            line["blocks"][event.index]["signature"] = signature
    elif event.type == "message_delta":
        line["usage"].update(event.usage.to_dict())
        line["finish_reason"][0] = event.delta.stop_reason


def about(message, line):
    line["id"] = message.id
    line["model"] = message.model
    line["usage"] = message.usage.to_dict()


def take(block, index, line):
    line["text"][index] = getattr(block, "text", None) or getattr(block, "thinking", None) or ""
    fields = ("type", "signature", "id", "name")
    line["blocks"].append({f: getattr(block, f) for f in fields if getattr(block, f, None) is not None})
