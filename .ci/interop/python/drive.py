"""Makes the calls of a list, one after the other, with an official SDK for Python, and prints one JSON line a call: the
answer that the application got, and the time at which it left before the end. Without a base URL the SDK goes to its
provider. Usage: drive.py [--SDK] [--async] [BASE_URL], for example --anthropic for sdk_anthropic.py."""

import asyncio
import importlib
import inspect
import json
import pathlib
import sys
import time


def main(*flags, base_url):
    names = [flag.removeprefix("--") for flag in flags if flag != "--async"] or ["openai"]
    sdk = importlib.import_module("sdk_" + names[0])  # and none of the others
    calls = json.loads((pathlib.Path(__file__).parent.parent / sdk.CALLS).read_text())
    account = {"base_url": base_url, "api_key": "sk-interop", "max_retries": 0}
    if "--async" in flags:
        asyncio.run(drive_async(sdk, calls, account))
    else:
        drive(sdk, calls, account)


def drive(sdk, calls, account):
    with sdk.Client(**account) as client:
        for call in calls:
            line = new_line(call)
            try:
                make(sdk, client, call, line)
            except Exception as error:
                failed(line, error)
            show(line)


def make(sdk, client, call, line):
    if call.get("helper"):  # the SDK's own method that puts a stream together
        method, final = sdk.helper(client, call)
        with method(**sdk.arguments(call)) as stream:
            sdk.whole(call, getattr(stream, final)(), line)
        return
    raw = sdk.request(patient(client, call), call)
    headers(line, raw)
    reply = raw.parse()
    if not streamed(call):
        sdk.whole(call, reply, line)
        return
    with reply:
        for event in reply:
            line["events"] += 1
            sdk.piece(call, event, line)
            if leaves(call, line):
                break


async def drive_async(sdk, calls, account):
    async with sdk.AsyncClient(**account) as client:
        for call in calls:
            line = new_line(call)
            try:
                await make_async(sdk, client, call, line)
            except Exception as error:
                failed(line, error)
            show(line)


async def make_async(sdk, client, call, line):
    if call.get("helper"):
        method, final = sdk.helper(client, call)
        async with method(**sdk.arguments(call)) as stream:
            sdk.whole(call, await getattr(stream, final)(), line)
        return
    raw = await sdk.request(patient(client, call), call)
    headers(line, raw)
    reply = raw.parse()
    if inspect.isawaitable(reply):  # Anthropic's is, OpenAI's is not
        reply = await reply
    if not streamed(call):
        sdk.whole(call, reply, line)
        return
    async with reply:
        async for event in reply:
            line["events"] += 1
            sdk.piece(call, event, line)
            if leaves(call, line):
                break


def patient(client, call):
    """The client with the retries and the timeout of the call."""
    options = {"max_retries": call.get("retries", 0)}
    if "timeout_ms" in call:
        options["timeout"] = call["timeout_ms"] / 1000
    return client.with_options(**options)


def streamed(call):
    return call.get("params", {}).get("stream", False)


def new_line(call):
    """The answer to a call; texts and finish reasons by their index."""
    return {"name": call["name"], "text": {}, "finish_reason": {}, "events": 0}


def headers(line, response):
    line["headers"] = {k.lower(): v for k, v in response.headers.items()}


def leaves(call, line):
    if line["events"] == call.get("leave_after"):
        line["left_ms"] = time.time() * 1000
    return "left_ms" in line


def failed(line, error):
    line["left_ms"] = time.time() * 1000
    line["error"] = {
        "type": type(error).__name__,
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "kind": getattr(error, "type", None),
        "message": str(error),
    }
    # AWS's errors have a dict for a response.
    if hasattr(response := getattr(error, "response", None), "headers"):
        headers(line, response)


def show(line):
    for key in ("text", "finish_reason"):
        line[key] = [line[key][index] for index in sorted(line[key])]
    print(json.dumps(line), flush=True)


flags = [arg for arg in sys.argv[1:] if arg.startswith("--")]
main(*flags, base_url=next((arg for arg in sys.argv[1:] if arg not in flags), None))
