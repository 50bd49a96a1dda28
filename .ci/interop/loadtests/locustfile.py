# Users of Locust who stream --chats chat completions each, one after the other; then the run ends. Locust times a streamed request up to its head, so
# the user adds a row of type TTFT for the first token, and a row with a name of its own for the whole request. A
# request whose stream has no [DONE] has failed.
import json
import time

import gevent
from locust import HttpUser, events, task
from locust.exception import StopUser

BODY = open("stream.json").read()


def row(kind, name, start):
    took = (time.perf_counter() - start) * 1e3
    events.request.fire(request_type=kind, name=name, response_time=took, response_length=0, exception=None, context={})


@events.init_command_line_parser.add_listener
def options(parser):
    parser.add_argument("--chats", type=int)


class Reader(HttpUser):
    chats = 0

    def on_start(self):  # a user's first request takes a quarter of a second longer, for Locust alone
        self.client.get("/sim/faults", name="warm-up")

    @task
    def chat(self):
        if self.chats == self.environment.parsed_options.chats:
            self.leave()
        self.chats += 1
        start = time.perf_counter()
        headers = {"Content-Type": "application/json"}
        post = self.client.post("/v1/chat/completions", BODY, headers=headers, stream=True, name="chat", catch_response=True)
        with post as answer:
            try:
                self.read(answer, start)
            except Exception as error:
                answer.failure(error)

    def leave(self):
        if self.environment.runner.user_count == 1:
            gevent.spawn(self.environment.runner.quit)
        raise StopUser

    def read(self, answer, start):
        answer.raise_for_status()
        begun, done = False, False
        for line in answer.iter_lines(chunk_size=None):
            if not begun and has_content(line):
                begun = True
                row("TTFT", "chat", start)
            done = done or line == b"data: [DONE]"
        if not done:
            raise EOFError("the stream broke off")
        row("SSE", "whole chat", start)


def has_content(line):
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[6:]).get("choices")
    return bool(choices and choices[0]["delta"].get("content"))
