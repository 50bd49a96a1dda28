"""LangChain's client of OpenAI's API, for clients.py. It drops reasoning that OpenAI's own API does not have."""

import contextlib

import langchain_openai

TOOL = {
    "type": "function",
    "function": {
        "name": "light",
        "description": "Lights a lamp.",
        "parameters": {"type": "object", "properties": {"lamp": {"type": "string"}}, "required": ["lamp"]},
    },
}


def connect(base_url, _client):
    account = {"base_url": base_url + "/v1", "api_key": "sk-interop", "max_retries": 0}

    def make(call, line):
        account["model"] = call["params"]["model"]
        if call["api"] == "embeddings":
            embeddings = langchain_openai.OpenAIEmbeddings(check_embedding_ctx_length=False, **account)
            line["embedding"] = embeddings.embed_query(call["prompt"])
            return
        model = langchain_openai.ChatOpenAI(
            max_tokens=call["max_tokens"],
            use_responses_api=call["api"].startswith("responses"),
            stream_usage=True,
            default_headers=call.get("headers"),
            **account,
        )
        if "tool_choice" in call:
            model = model.bind_tools([TOOL], tool_choice=call["tool_choice"])
        if not call["params"].get("stream"):
            take(model.invoke(call["prompt"]), line)
            return
        whole = None
        with contextlib.closing(model.stream(call["prompt"])) as stream:
            for chunk in line.pieces(stream):
                whole = chunk if whole is None else whole + chunk
        take(whole, line)

    return make


def take(message, line):
    line["text"] = message.text
    line["calls"] = [{"name": c["name"], "input": c["args"]} for c in message.tool_calls]
    line["finish"] = message.response_metadata.get("finish_reason") or message.response_metadata.get("status")
    line["usage"] = message.usage_metadata
