"""What every queue's job does, and what every queue is asked to plan.

``BENCH_JOB`` is ``sdk`` (one message through Twilio's own library, with a pool of connections for all threads),
``bare`` (the same form in the cheapest way Python has, a kept connection per thread), or ``tick`` (one byte to a file,
for counting jobs that do nothing). The stand-in for Twilio listens at ``BENCH_STUB``.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

API = "https://api.twilio.com"
ACCOUNT, SENDER, HOOK = "AC" + "5" * 32, "+15005550006", "http://127.0.0.1/hook"
_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Authorization": "Basic bWVhc3VyZW1lbnRz",
    "Accept": "application/json",
}
_mine = threading.local()


class Reminder(NamedTuple):
    """One reminder to plan; ``due`` is None for "at once"."""

    to: str
    body: str
    due: datetime | None


def do(to: str, body: str) -> None:
    """The job."""
    match os.environ["BENCH_JOB"]:
        case "sdk":
            _client().messages.create(to=to, from_=SENDER, body=body, status_callback=HOOK)
        case "bare":
            send(to, body)
        case _:
            os.write(_ticks(), b".")


class Transport(TwilioHttpClient):
    """The library's own client, pointed at the stand-in, that keeps as many connections as there may be threads."""

    def __init__(self) -> None:
        super().__init__(timeout=30, pool_connections=True)
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=256))

    def request(self, method: str, url: str, *args: object, **options: object) -> object:
        return super().request(method, url.replace(API, f"http://{os.environ['BENCH_STUB']}", 1), *args, **options)


@functools.cache
def _client() -> Client:
    return Client(ACCOUNT, "measurements", http_client=Transport())


def send(to: str, body: str) -> str:
    """Create one message; its SID."""
    form = urlencode({"To": to, "From": SENDER, "Body": body, "StatusCallback": HOOK})
    connection = _connection()
    try:
        connection.request("POST", _PATH, form, _HEADERS)
        answer = connection.getresponse()
        data = answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise
    if answer.status != 201:
        raise RuntimeError(f"answered {answer.status}")
    sid: str = json.loads(data)["sid"]
    return sid


def _connection() -> http.client.HTTPConnection:
    if not hasattr(_mine, "connection"):
        _mine.connection = http.client.HTTPConnection(os.environ["BENCH_STUB"], timeout=30)
    return _mine.connection


def _ticks() -> int:
    if not hasattr(_mine, "ticks"):
        _mine.ticks = os.open(os.environ["BENCH_TICKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return _mine.ticks


def ready() -> None:
    """Tell whoever measures that the worker is up."""
    Path(os.environ["BENCH_READY"]).touch()


def wanted() -> Iterator[Reminder]:
    """What standard input asks for: {"count", "first_due" (Unix time or null), "step" (seconds)}."""
    plan = json.load(sys.stdin)
    first, step = plan["first_due"], plan["step"]
    for number in range(plan["count"]):
        due = None if first is None else datetime.fromtimestamp(first + number * step, UTC)
        yield Reminder(f"+999{number:010d}", f"Your visit is on Monday at 10:00, patient {number}.", due)


def done(seconds: float) -> None:
    """Say how long the planning took."""
    print(json.dumps({"seconds": seconds}))
