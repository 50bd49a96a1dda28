"""Cohere's SDK, for clients.py. The text of an answer that calls a tool is its plan."""

import json

import cohere

TOOL = {
    "type": "function",
    "function": {
        "name": "light",
        "description": "Lights a lamp.",
        "parameters": {"type": "object", "properties": {"lamp": {"type": "string"}}, "required": ["lamp"]},
    },
}


def connect(base_url, _client):
    client = cohere.ClientV2(api_key="sk-interop", base_url=base_url)

    def make(call, line):
        options = {"request_options": {"additional_headers": call.get("headers", {}), "max_retries": 0}}
        model = call["params"]["model"]
        if call["api"] == "embeddings":
            reply = client.embed(
                model=model, texts=[call["prompt"]], input_type="search_query", embedding_types=["float"], **options
            )
            line["embedding"] = reply.embeddings.float_[0]
            return
        if call["api"] == "rerank":
            reply = client.rerank(model=model, query=call["prompt"], documents=call["documents"], **options)
            line["text"] = ", ".join(f"{r.index}: {r.relevance_score:g}" for r in reply.results)
            return
        params = {"messages": [{"role": "user", "content": call["prompt"]}], "max_tokens": call["max_tokens"], **options}
        if call["api"] == "reasoning":
            params["thinking"] = {"type": "enabled"}
        if "tool_choice" in call:
            params["tools"] = [TOOL]
            if call["tool_choice"] == "required":
                params["tool_choice"] = "REQUIRED"
        if not call["params"].get("stream"):
            whole(client.chat(model=model, **params), line)
            return
        for event in line.pieces(client.chat_stream(model=model, **params)):
            take(event, line)
        for made in line.get("calls", []):
            made["input"] = json.loads(made["input"])

    return make


def whole(reply, line):
    for part in reply.message.content or []:
        line["text"] += getattr(part, "text", None) or ""
        line["reasoning"] += getattr(part, "thinking", None) or ""
    line["text"] += reply.message.tool_plan or ""
    if reply.message.tool_calls:
        line["calls"] = [
            {"name": c.function.name, "input": json.loads(c.function.arguments)} for c in reply.message.tool_calls
        ]
    line["finish"] = reply.finish_reason
    line["usage"] = reply.usage.model_dump()


def take(event, line):
    """Adds one event of a stream."""
    if event.type == "content-delta":
        line["text"] += event.delta.message.content.text or ""
        line["reasoning"] += event.delta.message.content.thinking or ""
    elif event.type == "tool-plan-delta":
        line["text"] += event.delta.message.tool_plan
    elif event.type == "tool-call-start":
        made = event.delta.message.tool_calls.function
        line.setdefault("calls", []).append({"name": made.name, "input": made.arguments})
    elif event.type == "tool-call-delta":
        line["calls"][-1]["input"] += event.delta.message.tool_calls.function.arguments
    elif event.type == "message-end":
        if event.delta.finish_reason == "ERROR":
            raise RuntimeError(event.delta.error)
        line["finish"] = event.delta.finish_reason
        line["usage"] = event.delta.usage.model_dump()
