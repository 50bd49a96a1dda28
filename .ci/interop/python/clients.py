"""Makes the calls of calls_clients.json, one after the other, with a client that has words of its own for them, and
prints one JSON line a call: the answer that the application got, and the time at which it left before the end. Only the
calls of the APIs in a list are made. Usage: clients.py CLIENT API,API,... BASE_URL"""

import importlib
import json
import pathlib
import sys
import time


class Left(Exception):
    """The application leaves in the middle of a stream."""


class Answer(dict):
    """The line of a call. A client adds to text and reasoning, and sets calls, a list of {name, input}, finish, usage
    and embedding."""

    def __init__(self, call):
        super().__init__(name=call["name"], text="", reasoning="", events=0)
        self.leave_after = call.get("leave_after")

    def pieces(self, stream):
        """The events of a stream, until the application leaves."""
        for event in stream:
            self["events"] += 1
            if self["events"] == self.leave_after:
                self["left_ms"] = time.time() * 1000
                raise Left
            yield event


def main(client, apis, base_url):
    make = importlib.import_module("client_" + client.split("-")[0]).connect(base_url, client)
    calls = json.loads((pathlib.Path(__file__).parent.parent / "calls_clients.json").read_text())
    for call in calls:
        if call["api"] in apis.split(","):
            print(json.dumps(answer(make, call)).replace(base_url, "BASE_URL"), flush=True)


def answer(make, call):
    line = Answer(call)
    try:
        make(call, line)
    except Left:
        pass
    except Exception as error:
        line["left_ms"] = time.time() * 1000
        status, body = getattr(error, "status_code", None), getattr(error, "body", None)
        line["error"] = {"type": type(error).__name__, "status": status, "message": str(body or error)}
    if not line.get("calls"):
        line.pop("calls", None)
    if "embedding" in line:
        line["embedding"] = " ".join(f"{v:.4f}" for v in line["embedding"][:8])
    return line


if __name__ == "__main__":
    main(*sys.argv[1:])
