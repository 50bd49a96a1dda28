"""Makes the calls of ../calls.json, one after the other, with the official OpenAI SDK for Python, and prints one JSON
line a call: what the application got, and when it left before the end. Without a base URL the SDK goes where it goes by
itself. Usage: drive.py [--async] [BASE_URL]"""

import asyncio
import json
import pathlib
import sys
import time

from openai import AsyncOpenAI, OpenAI

CALLS = json.loads((pathlib.Path(__file__).parent.parent / "calls.json").read_text())
ACCOUNT = {"api_key": "sk-interop", "max_retries": 0}


def main(*flags, base_url):
    if "--async" in flags:
        asyncio.run(drive_async(base_url))
    else:
        drive(base_url)


def drive(base_url):
    with OpenAI(base_url=base_url, **ACCOUNT) as client:
        for call in CALLS:
            answer = Answer(call)
            try:
                make(client, call, answer)
            except Exception as error:
                answer.failed(error)
            answer.print()


def make(client, call, answer):
    if call.get("helper"):
        method, final = helper(client, call)
        with method(**arguments(call)) as stream:
            answer.whole(getattr(stream, final)())
        return
    raw = request(client, call)
    answer.headers(raw)
    reply = raw.parse()
    if not answer.streamed:
        answer.whole(reply)
        return
    with reply:
        for event in reply:
            answer.piece(event)
            if answer.leaves():
                break


async def drive_async(base_url):
    async with AsyncOpenAI(base_url=base_url, **ACCOUNT) as client:
        for call in CALLS:
            answer = Answer(call)
            try:
                await make_async(client, call, answer)
            except Exception as error:
                answer.failed(error)
            answer.print()


async def make_async(client, call, answer):
    if call.get("helper"):
        method, final = helper(client, call)
        async with method(**arguments(call)) as stream:
            answer.whole(await getattr(stream, final)())
        return
    raw = await request(client, call)
    answer.headers(raw)
    reply = raw.parse()
    if not answer.streamed:
        answer.whole(reply)
        return
    async with reply:
        async for event in reply:
            answer.piece(event)
            if answer.leaves():
                break


def request(client, call):
    client = client.with_options(max_retries=call.get("retries", 0))
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
    arguments = dict(call.get("params", {}), extra_headers=call.get("headers"))
    if "timeout_ms" in call:
        arguments["timeout"] = call["timeout_ms"] / 1000
    return arguments


def helper(client, call):
    """The SDK's own accumulation of a stream, and the method that returns what it came to."""
    if call["api"] == "chat":
        return client.chat.completions.stream, "get_final_completion"
    return client.responses.stream, "get_final_response"


class Answer:
    """What the application got for one call."""

    def __init__(self, call):
        self.api = call["api"]
        self.streamed = call.get("params", {}).get("stream", False)
        self.leave_after = call.get("leave_after")
        self.line = {"name": call["name"], "text": {}, "finish_reason": {}, "events": 0}

    def headers(self, response):
        self.line["headers"] = {k.lower(): v for k, v in response.headers.items()}

    def whole(self, reply):
        """Takes over an answer that came, or was put together, in one piece."""
        if self.api == "models":
            self.line["text"] = dict(enumerate(m.id for m in reply.data))
            return
        self.about(reply)
        if self.api == "embeddings":
            self.line["text"] = {d.index: " ".join(map(repr, d.embedding)) for d in reply.data}
        elif self.api == "responses":
            self.line["text"][0] = reply.output_text
        else:
            for choice in reply.choices:
                text = choice.text if self.api == "completions" else choice.message.content
                self.line["text"][choice.index] = text
                self.line["finish_reason"][choice.index] = choice.finish_reason

    def piece(self, event):
        """Adds one event of a stream."""
        self.line["events"] += 1
        if self.api == "responses":
            if event.type == "response.output_text.delta":
                self.add(0, event.delta)
            if getattr(event, "response", None):
                self.about(event.response)
            return
        self.about(event)
        for choice in event.choices:
            self.add(choice.index, choice.text if self.api == "completions" else choice.delta.content)
            self.line["finish_reason"][choice.index] = choice.finish_reason

    def add(self, index, text):
        self.line["text"][index] = self.line["text"].get(index, "") + (text or "")

    def about(self, reply):
        self.line["id"] = getattr(reply, "id", None)
        self.line["model"] = reply.model
        if reply.usage:
            self.line["usage"] = reply.usage.to_dict()
        if self.api == "responses":
            why = reply.incomplete_details.reason if reply.incomplete_details else reply.status
            self.line["finish_reason"][0] = why

    def leaves(self):
        if self.line["events"] == self.leave_after:
            self.line["left_ms"] = time.time() * 1000
        return "left_ms" in self.line

    def failed(self, error):
        self.line["left_ms"] = time.time() * 1000
        self.line["error"] = {
            "type": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "code": getattr(error, "code", None),
            "message": str(error),
        }
        if response := getattr(error, "response", None):
            self.headers(response)

    def print(self):
        for key in ("text", "finish_reason"):
            self.line[key] = [self.line[key][index] for index in sorted(self.line[key])]
        print(json.dumps(self.line), flush=True)


flags = [arg for arg in sys.argv[1:] if arg.startswith("--")]
main(*flags, base_url=next((arg for arg in sys.argv[1:] if arg not in flags), None))
