"""Other SDKs in the shape of those that Stainless generates, for drive.py: a client that takes options for a call, and
replies with headers."""

import copy


class Client:
    """A client of an SDK at a base URL. max_retries and timeout, in seconds, are those of the call to come."""

    def __init__(self, base_url, api_key, max_retries, timeout=None):
        self.base_url, self.api_key, self.max_retries, self.timeout = base_url, api_key, max_retries, timeout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def with_options(self, **options):
        client = copy.copy(self)
        vars(client).update(options)
        return client


class Reply:
    """An answer, or the events of a stream."""

    def __init__(self, data, headers):
        self.data, self.headers = data, headers

    def parse(self):
        return self.data


class Stream:
    """The events of a stream, which ends with the block that reads it."""

    def __init__(self, events):
        self.events = events

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.events.close()

    def __iter__(self):
        return iter(self.events)
