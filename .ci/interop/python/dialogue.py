"""Talks to a model as an agent does, turn by turn with the whole history: by OpenAI's chat
completions or Responses, or by Anthropic's Messages.

usage: dialogue.py chat|responses|messages BASE

The model server loses its cache for the fourth turn. From the sixth on another system prompt
is in force, and before the eighth the second question is worded anew. It prints one line of
JSON, with the number of turns.
"""

import json
import sys

import anthropic
import openai

MODEL = "sim-medium"
LONG = " Be careful with files." * 300


def headers(turn):
    return {"X-Sim-Fault": "uncached"} if turn == 3 else {}


def chat(base, system, history, turn):
    client = openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=0)
    stream = client.chat.completions.create(
        model=MODEL, max_tokens=20, stream=True, stream_options={"include_usage": True},
        messages=[{"role": "system", "content": system}, *history],
        tools=[{"type": "function", "function": {"name": "read", "parameters": {"type": "object", "properties": {}}}}],
        tool_choice="none", extra_headers=headers(turn),
    )
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def responses(base, system, history, turn):
    client = openai.OpenAI(base_url=base + "/v1", api_key="k", max_retries=0)
    return client.responses.create(
        model=MODEL, max_output_tokens=20, instructions=system, input=history, extra_headers=headers(turn),
    ).output_text


def messages(base, system, history, turn):
    client = anthropic.Anthropic(base_url=base, api_key="k", max_retries=0)
    mark = {"type": "ephemeral"}
    last = {"role": "user", "content": [{"type": "text", "text": history[-1]["content"], "cache_control": mark}]}
    with client.messages.stream(
        model=MODEL, max_tokens=20, system=[{"type": "text", "text": system, "cache_control": mark}],
        messages=[*history[:-1], last], extra_headers=headers(turn),
    ) as stream:
        return stream.get_final_text()


def main():
    api, base = sys.argv[1:]
    ask = {"chat": chat, "responses": responses, "messages": messages}[api]
    system, history = f"Answer by {api}." + LONG, []
    for turn in range(8):
        if turn == 5:
            system = "It is ten o'clock. " + system
        if turn == 7:
            history[2]["content"] += " Or not."
        history.append({"role": "user", "content": f"Step {turn}:" + " look" * 100})
        history.append({"role": "assistant", "content": ask(base, system, history, turn)})
    print(json.dumps({"turns": len(history) // 2}))


main()
