"""Mistral's SDK, for clients.py. It has no way to ask for the usage of a stream, which Mistral always reports."""

import json

from mistralai.client import Mistral

TOOL = {
    "type": "function",
    "function": {
        "name": "light",
        "description": "Lights a lamp.",
        "parameters": {"type": "object", "properties": {"lamp": {"type": "string"}}, "required": ["lamp"]},
    },
}


def connect(base_url, _client):
    client = Mistral(server_url=base_url, api_key="sk-interop")

    def make(call, line):
        params = {
            "model": call["params"]["model"],
            "max_tokens": call["max_tokens"],
            "messages": [{"role": "user", "content": call["prompt"]}],
            "http_headers": call.get("headers"),
        }
        if call["api"] == "reasoning":
            params["prompt_mode"] = "reasoning"
        if "tool_choice" in call:
            params.update(tools=[TOOL], tool_choice=call["tool_choice"])
        if not call["params"].get("stream"):
            reply = client.chat.complete(**params)
            take(reply.choices[0].message, line)
            line["finish"] = reply.choices[0].finish_reason
            line["usage"] = reply.usage.model_dump()
            return
        with client.chat.stream(**params) as stream:
            for event in line.pieces(stream):
                choice = event.data.choices[0]
                take(choice.delta, line)
                line["finish"] = choice.finish_reason or None

    return make


def take(message, line):
    """Adds a message, or a piece of one."""
    content = message.content or ""
    if isinstance(content, str):
        line["text"] += content
    else:
        for part in content:
            if part.type == "thinking":
                line["reasoning"] += "".join(t.text for t in part.thinking)
            else:
                line["text"] += part.text
    if message.tool_calls:
        line["calls"] = [
            {"name": c.function.name, "input": json.loads(c.function.arguments)} for c in message.tool_calls
        ]
