"""A closed-loop HTTP/1.1 load generator that leaves the processor to the server.

N clients share one thread, each with its own keep-alive connection and at most one request in flight. A client is a
*script*: a generator that yields the bytes of its next request and is sent the answer, so that flows of several
requests (submit, follow the redirect, submit again) are plain Python. Requests are built once, before the clock starts.

``python -m benchmarks.loadgen URL`` loads any address; ``benchmarks.rawlimits`` measures what the generator costs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import select
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from benchmarks.stats import percentile

STALL_MS = 60_000
_RECEIVE = 262_144


class LoadError(Exception):
    """The server closed a connection, stalled for a minute, or spoke something that is not HTTP/1.1."""


class Response(NamedTuple):
    """One answer: status, raw head (status line and headers) and body without transfer coding."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Value of a header, or an empty string."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""

    def json(self) -> Any:
        return json.loads(self.body)


Script = Generator[bytes, Response, None]


@dataclass(frozen=True)
class Result:
    """What one run saw: ``count`` things done in ``seconds``. ``latencies`` are seconds, sorted; ``cpu_seconds`` is what
    the generator itself burnt."""

    seconds: float
    count: int
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Things done per second."""
        return self.count / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        return percentile(self.latencies, share) * 1000

    def only(self, *expected: int) -> Result:
        """This result, or ``LoadError`` when any other status was seen: a fast error is not a fast answer."""
        if unexpected := set(self.statuses) - set(expected):
            raise LoadError(f"expected {expected}, got {dict(self.statuses)} (unexpected {sorted(unexpected)})")
        return self


class _Client:
    __slots__ = ("buffer", "script", "sent_at", "sock")

    def __init__(self, sock: socket.socket, script: Script) -> None:
        self.sock, self.script = sock, script
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.sock.sendall(request)

    def receive(self) -> Response | None:
        data = self.sock.recv(_RECEIVE)
        if not data:
            raise LoadError(f"connection closed before the answer was complete: {self.buffer[:200]!r}")
        self.buffer = self.buffer + data if self.buffer else data
        response = parse(self.buffer)
        if response is not None:
            self.buffer = b""
        return response


def run(address: tuple[str, int], scripts: Sequence[Script], seconds: float = math.inf) -> Result:
    """Play all scripts at once, each on its own connection, until they end or ``seconds`` have passed.

    Raises ``LoadError``. Requests in flight at the deadline are still answered and counted.
    """
    latencies: list[float] = []
    statuses: Counter[int] = Counter()
    with ExitStack() as stack:
        clients = [_connect(stack, address, script) for script in scripts]
        cpu, started = time.process_time(), time.perf_counter()
        ended = _play(clients, started + seconds, latencies, statuses)
        used = time.process_time() - cpu
        return Result(ended - started, len(latencies), sorted(latencies), statuses, used)


def _connect(stack: ExitStack, address: tuple[str, int], script: Script) -> _Client:
    sock = stack.enter_context(socket.create_connection(address, timeout=30))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(None)
    stack.callback(script.close)
    return _Client(sock, script)


def _play(clients: list[_Client], deadline: float, latencies: list[float], statuses: Counter[int]) -> float:
    poller = select.poll()
    active: dict[int, _Client] = {}
    for client in clients:
        if (first := next(client.script, None)) is not None:
            active[client.sock.fileno()] = client
            poller.register(client.sock, select.POLLIN)
            client.send(first)
    now = time.perf_counter()
    while active:
        events = poller.poll(STALL_MS)
        if not events:
            raise LoadError(f"no answer for {STALL_MS // 1000} s on {len(active)} connections")
        for fd, _ in events:
            client = active[fd]
            response = client.receive()
            if response is None:
                continue
            now = time.perf_counter()
            latencies.append(now - client.sent_at)
            statuses[response.status] += 1
            if now >= deadline or not _continue(client, response):
                poller.unregister(fd)
                del active[fd]
    return now


def _continue(client: _Client, response: Response) -> bool:
    try:
        client.send(client.script.send(response))
    except StopIteration:
        return False
    return True


def parse(data: bytes) -> Response | None:
    """The answer in ``data``, or None while it is incomplete (RFC 9112: Content-Length, chunked, or no body at all)."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, start = data[:end], end + 4
    if not head.startswith(b"HTTP/1.1 "):
        raise LoadError(f"not an HTTP/1.1 answer: {head[:80]!r}")
    status, lower = int(head[9:12]), head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        stop = lower.find(b"\r\n", at + 17)
        size = int(lower[at + 17 : stop if stop >= 0 else end])
        return Response(status, head, data[start : start + size]) if len(data) >= start + size else None
    if b"\r\ntransfer-encoding: chunked" in lower:
        body = _unchunk(data, start)
        return None if body is None else Response(status, head, body)
    return Response(status, head, b"")


def _unchunk(data: bytes, at: int) -> bytes | None:
    parts: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line].split(b";")[0], 16)
        at = line + 2 + size + 2
        if len(data) < at:
            return None
        if not size:
            return b"".join(parts)
        parts.append(data[line + 2 : line + 2 + size])
    return None


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> bytes:
    """The bytes of one request."""
    fields = {"Host": "127.0.0.1", **(headers or {})}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def each(requests: Iterable[bytes]) -> Script:
    """Send these requests once, in order."""
    for one in requests:  # noqa: UP028 - answers are sent into a script, and lists take none
        yield one


def forever(requests: Sequence[bytes], first: int = 0) -> Script:
    """Send these requests round and round, starting with number ``first``."""
    for one in itertools.cycle((*requests[first:], *requests[:first])):  # noqa: UP028 - as above
        yield one


def spread(requests: Sequence[bytes], clients: int) -> list[Script]:
    """One endless script per client over the same requests, each starting at another place."""
    return [forever(requests, client * len(requests) // clients) for client in range(clients)]


def deal(requests: Sequence[bytes], clients: int) -> list[Script]:
    """Every request exactly once, dealt out among the clients like cards."""
    return [each(requests[client::clients]) for client in range(clients)]


def ask(address: tuple[str, int], *requests: bytes) -> list[Response]:
    """Send requests one after the other on one connection and return the answers."""
    answers: list[Response] = []

    def script() -> Script:
        for one in requests:
            answer = yield one
            answers.append(answer)

    run(address, [script()])
    return answers


def _headers(pairs: Iterable[str]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        name, _, value = pair.partition(":")
        yield name.strip(), value.strip()


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.loadgen", description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("url", help="address to GET, e.g. http://127.0.0.1:8000/healthz")
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    url = urlsplit(given.url)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    one = request("GET", path, dict(_headers(given.header)))
    result = run((url.hostname or "127.0.0.1", url.port or 80), spread([one], given.clients), given.seconds)
    print(describe(result))
    return 0


def describe(result: Result) -> str:
    """One line: rate, percentiles, statuses and the generator's own cost."""
    p50, p95, p99 = (result.percentile_ms(share) for share in (0.50, 0.95, 0.99))
    own = result.cpu_seconds / max(1, result.statuses.total()) * 1e6
    return (
        f"{result.rate:,.0f}/s  p50 {p50:.2f} ms  p95 {p95:.2f} ms  p99 {p99:.2f} ms  "
        f"statuses {dict(result.statuses)}  generator {own:.0f} µs CPU per request"
    )


if __name__ == "__main__":
    raise SystemExit(main())
