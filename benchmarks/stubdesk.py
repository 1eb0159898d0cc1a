"""What the stand-in for Twilio answers, and how it misbehaves: all of it without a transport."""

from __future__ import annotations

import itertools
import json
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from benchmarks.callbacks import Caller

ACCOUNT = "AC" + "5" * 32
TOKEN = "only-for-measurements"
SENDER = "+15005550006"
_PRICE = "-0.00790"
_ROOT = "/2010-04-01/Accounts"


@dataclass(frozen=True)
class Behaviour:
    """What it does. Times are seconds, the rest of the numbers chances from 0 to 1; of the faults of one request at
    most one happens. ``refuse`` is an error code with which every request is refused (20003: credentials)."""

    latency: float = 0.0
    seed: int = 1
    drop_before: float = 0.0
    drop_after: float = 0.0
    too_many: float = 0.0
    error_before: float = 0.0
    error_after: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    retry_after: float = 1.0
    list_delay: float = 0.0
    refuse: int = 0
    refuse_status: int = 401
    callbacks: bool = False
    callback_delay: float = 0.2
    callback_lost: float = 0.0
    callback_duplicated: float = 0.0
    callback_reordered: float = 0.0

    def fault(self, chance: float) -> str:
        """The fault of a request that drew ``chance``; an empty string when all is well."""
        for name in ("drop_before", "drop_after", "too_many", "error_before", "error_after", "slow"):
            chance -= getattr(self, name)
            if chance < 0:
                return name
        return ""


class Accepted(NamedTuple):
    """A message (``kind`` SM) or call (CA) that was taken: ``at`` is the arrival of its request, Unix time in
    seconds. ``answered`` is false when the client was never told."""

    kind: str
    sid: str
    to: str
    body: str
    at: float
    answered: bool


class Book:
    """Everything that was accepted, in order of arrival. No SID comes twice, not even from another process."""

    _start = secrets.token_hex(12)

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self.all: list[Accepted] = []
        self._by_phone: dict[str, list[Accepted]] = defaultdict(list)
        self._by_sid: dict[str, Accepted] = {}

    def add(self, kind: str, to: str, body: str, answered: bool) -> Accepted:
        entry = Accepted(kind, f"{kind}{self._start}{next(self._numbers):08x}", to, body, time.time(), answered)
        self.all.append(entry)
        self._by_phone[to].append(entry)
        self._by_sid[entry.sid] = entry
        return entry

    def listed(self, kind: str, to: str, limit: int, before: float) -> list[Accepted]:
        """Newest first; with no number, all of them."""
        some = self._by_phone.get(to, []) if to else self.all
        return [one for one in reversed(some) if one.kind == kind and one.at <= before][:limit]

    def get(self, sid: str) -> Accepted | None:
        return self._by_sid.get(sid)


class Desk:
    """Answers requests with the bytes to write."""

    def __init__(self, behaviour: Behaviour, caller: Caller) -> None:
        self.caller = caller
        self._numbers = itertools.count(1)
        self.become(behaviour)
        self.reset()

    def become(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._random = random.Random(behaviour.seed)

    def reset(self) -> None:
        self.book = Book(self._numbers)
        self.faults: Counter[str] = Counter()

    def answer(self, method: str, target: str, body: bytes) -> tuple[bytes | None, float]:
        """(what to write, or None to drop the connection; after how many seconds)."""
        path, _, query = target.partition("?")
        if path.startswith("/stub/"):
            return self._control(path, body), 0.0
        if self.behaviour.refuse:
            return refusal(self.behaviour.refuse_status, self.behaviour.refuse), self.behaviour.latency
        if method == "POST":
            return self._create(path, body)
        return self._read(path, dict(parse_qsl(query))), self.behaviour.latency

    def _create(self, path: str, body: bytes) -> tuple[bytes | None, float]:
        kind = "SM" if path.endswith("/Messages.json") else "CA" if path.endswith("/Calls.json") else ""
        if not kind:
            return refusal(404, 20404), self.behaviour.latency
        now = self.behaviour
        fault = now.fault(self._random.random())
        if fault:
            self.faults[fault] += 1
        wait = now.latency + (now.slow_seconds if fault == "slow" else 0.0)
        if fault == "drop_before":
            return None, wait
        if fault == "too_many":
            return refusal(429, 20429, b"Retry-After: %g\r\n" % now.retry_after), wait
        if fault == "error_before":
            return refusal(500, 20500), wait
        form = _form(body)
        taken = self.book.add(
            kind, form.get("To", ""), form.get("Body", ""), fault not in {"drop_after", "error_after"}
        )
        if now.callbacks and (url := form.get("StatusCallback", "")):
            self._call_back(url, taken)
        if fault == "drop_after":
            return None, wait
        return (refusal(500, 20500) if fault == "error_after" else created(taken)), wait

    def _call_back(self, url: str, taken: Accepted) -> None:
        """``sent``, then ``delivered`` for a message, ``completed`` for a call; some lost, doubled or swapped."""
        now, chance = self.behaviour, self._random.random
        spread = now.callback_delay
        times = sorted(now.latency + spread * (0.5 + chance()) for _ in range(2))
        if chance() < now.callback_reordered:
            times.reverse()
        statuses = ("sent", "delivered") if taken.kind == "SM" else ("completed",)
        for status, after in zip(statuses, times, strict=False):
            if chance() < now.callback_lost:
                continue
            for copy in range(2 if chance() < now.callback_duplicated else 1):
                self.caller.later(after + copy * spread * chance(), url, _callback(taken, status))

    def _read(self, path: str, query: dict[str, str]) -> bytes:
        now, last = time.time(), path.rpartition("/")[2].removesuffix(".json")
        if last in {"Messages", "Calls"}:
            kind, key = ("SM", b"messages") if last == "Messages" else ("CA", b"calls")
            limit = int(query.get("PageSize", 50))
            some = self.book.listed(kind, query.get("To", ""), limit, now - self.behaviour.list_delay)
            items = b",".join(_resource(one, now) for one in some)
            return respond(b"200 OK", b'{"%s":[%s],"next_page_uri":null,"page":0,"page_size":%d}' % (key, items, limit))
        if path.startswith(_ROOT) and path.count("/") == 3:
            return respond(b"200 OK", b'{"sid":"%s","status":"active","type":"Full"}' % last.encode())
        found = self.book.get(last)
        return respond(b"200 OK", _resource(found, now)) if found else refusal(404, 20404)

    def _control(self, path: str, body: bytes) -> bytes:
        if path == "/stub/messages":
            return respond(b"200 OK", json.dumps([one._asdict() for one in self.book.all]).encode())
        if path == "/stub/count":
            seen = {"messages": len(self.book.all), "faults": self.faults, "callbacks": self.caller.seen()}
            return respond(b"200 OK", json.dumps(seen).encode())
        if path == "/stub/reset":
            self.reset()
        elif path == "/stub/faults":
            try:
                self.become(replace(self.behaviour, **json.loads(body)))
            except (TypeError, ValueError):
                return refusal(400, 20001)
        else:
            return refusal(404, 20404)
        return respond(b"200 OK", json.dumps(asdict(self.behaviour)).encode())


def respond(status: bytes, body: bytes, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status, extra, len(body), body,
    )  # fmt: skip


def refusal(status: int, code: int, extra: bytes = b"") -> bytes:
    """An error as Twilio writes it."""
    body = b'{"code":%d,"message":"stub","more_info":"","status":%d}' % (code, status)
    return respond(b"%d Refused" % status, body, extra)


def created(taken: Accepted) -> bytes:
    return respond(b"201 Created", _resource(taken, taken.at, b"queued"))


_MOMENTS: dict[int, bytes] = {}


def _moment(at: float) -> bytes:
    """RFC 2822, as Twilio writes it; whole seconds come often, so they are kept."""
    second = int(at)
    if second not in _MOMENTS:
        _MOMENTS[second] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(second)).encode()
    return _MOMENTS[second]


def _resource(taken: Accepted, now: float, status: bytes = b"") -> bytes:
    """A second after its acceptance a message counts as delivered and has its price."""
    settled = not status and now > taken.at + 1
    done = b"delivered" if taken.kind == "SM" else b"completed"
    return (
        b'{"sid":"%s","account_sid":"%s","status":"%s","to":%s,"from":"%s","body":%s,"num_segments":"1","price":%s,'
        b'"price_unit":"USD","error_code":null,"error_message":null,"duration":"10","direction":"outbound-api",'
        b'"date_created":"%s","date_updated":"%s","date_sent":%s}'
    ) % (
        taken.sid.encode(), ACCOUNT.encode(), status or (done if settled else b"sent"), json.dumps(taken.to).encode(),
        SENDER.encode(), json.dumps(taken.body).encode(), b'"%s"' % _PRICE.encode() if settled else b"null",
        _moment(taken.at), _moment(now), b'"%s"' % _moment(taken.at) if settled else b"null",
    )  # fmt: skip


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; of a field given twice the last."""
    pairs = (item.partition("=") for item in body.decode().split("&"))
    return {name: unquote_plus(value) for name, _, value in pairs}


def _callback(taken: Accepted, status: str) -> dict[str, str]:
    own = (
        {"MessageSid": taken.sid, "SmsSid": taken.sid, "MessageStatus": status, "SmsStatus": status}
        if taken.kind == "SM"
        else {"CallSid": taken.sid, "CallStatus": status, "CallDuration": "10"}
    )
    return {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "From": SENDER, "To": taken.to, **own}
