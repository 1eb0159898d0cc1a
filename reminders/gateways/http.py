"""HTTP/1.1 for requests that must not be made twice (RFC 9110, RFC 9112).

General libraries hide whether a request left, and some repeat it. Here every failure says which: a ``GatewayError``
without ``sent_unknown`` means that nothing left, with it that the request may have been carried out. One write per
request, connections that are kept, no redirects, bounded answers. See ``docs/decisions/0014-own-transport.md``.
"""

from __future__ import annotations

import socket
import ssl
import threading
import weakref
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, quote, unquote, urlsplit

from reminders.clock import stopwatch
from reminders.errors import ConfigurationError, GatewayError
from reminders.gateways.wire import Answer, Garbled, Wire

#: Seconds after which a resting connection is not used again; servers commonly close theirs after 30 to 60.
IDLE_SECONDS = 20.0
#: Seconds after which it is worth a system call to see whether the other side has closed a resting connection.
_TRUSTED_SECONDS = 0.5
_PORTS = {"http": 80, "https": 443}
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_TARGET = "%/:?&=+,;@!$'()*~[]"  # may stand in the path and query of an address


class Transport:
    """Requests to one server, from many threads.

    ``url``: http or https, host, port and perhaps a path that goes before every target. ``connections``: how many are
    kept while nobody uses them. ``timeout`` and ``connect_timeout`` in seconds. ``ca_file``: PEM file of the authorities
    to trust instead of the system's. ``proxy``: ``http://[user:password@]host:port``, asked for a tunnel (CONNECT);
    never for an address on this machine.
    """

    def __init__(
        self, url: str, *, connections: int = 32, timeout: float = 10.0, connect_timeout: float = 5.0,
        ca_file: str | None = None, proxy: str = "", watch: Callable[[], float] = stopwatch,
    ) -> None:  # fmt: skip
        parts, self._host, self._port = _address(url)
        self._prefix = parts.path.rstrip("/")
        self._authority = parts.netloc.rpartition("@")[2]
        self._proxy = _address(proxy) if proxy and self._host not in _LOCAL else None
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._timeout, self._connect_timeout, self._watch = timeout, connect_timeout, watch
        self._most = connections
        self._lock = threading.Lock()
        self._idle: deque[Wire] = deque()  # the longest resting on the left
        self._finalizer = weakref.finalize(self, _close_all, self._idle)

    def opening(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        """Start line and headers, without the empty line. Callers keep it where many requests begin the same way."""
        lines = {"Host": self._authority, "Accept-Encoding": "identity"} | dict(headers)
        if any("\r" in value or "\n" in value for value in (method, *lines, *lines.values())):
            raise ValueError("a line break in a header")
        first = f"{method} {quote(self._prefix + target, safe=_TARGET)} HTTP/1.1\r\n"
        return (first + "".join(f"{name}: {value}\r\n" for name, value in lines.items())).encode("latin-1")

    def post(self, opening: bytes, body: bytes) -> Answer:
        """Sent at most once, whatever happens. ``GatewayError`` when there is no answer."""
        return self.send(b"%bContent-Length: %d\r\n\r\n%b" % (opening, len(body), body), repeatable=False)

    def send(self, request: bytes, *, repeatable: bool) -> Answer:
        """One whole request. A ``repeatable`` one is sent again when it hit a kept connection that had just died, and
        its failure is never ``sent_unknown``."""
        wire, kept = self._rested() or (self._open(), False)
        try:
            return self._exchange(wire, request)
        except (OSError, Garbled) as problem:
            if not (repeatable and kept) or isinstance(problem, TimeoutError):
                raise _unanswered(problem, sent_unknown=not repeatable) from problem
        try:
            return self._exchange(self._open(), request)
        except (OSError, Garbled) as problem:
            raise _unanswered(problem, sent_unknown=False) from problem

    def close(self) -> None:
        """Close what rests. Requests under way finish."""
        self._finalizer()

    def _exchange(self, wire: Wire, request: bytes) -> Answer:
        lasting = False
        try:
            wire.ask(request, self._timeout)
            answer, lasting = wire.answer()
            return answer
        finally:
            if lasting:
                self._keep(wire)
            else:
                wire.close()

    def _rested(self) -> tuple[Wire, bool] | None:
        """The connection that rested least, if it is still good: a burst's surplus ages and is closed."""
        while True:
            now = self._watch()
            with self._lock:
                while self._idle and now - self._idle[0].since > IDLE_SECONDS:
                    self._idle.popleft().close()
                if not self._idle:
                    return None
                wire = self._idle.pop()
            if now - wire.since < _TRUSTED_SECONDS or wire.is_quiet():
                return wire, True
            wire.close()

    def _keep(self, wire: Wire) -> None:
        wire.since = self._watch()
        with self._lock:
            if len(self._idle) < self._most and self._finalizer.alive:
                self._idle.append(wire)
                return
        wire.close()

    def _open(self) -> Wire:
        """A new connection; while there is none, nothing was sent."""
        try:
            return Wire(self._connect(), self._watch)
        except ssl.SSLCertVerificationError as problem:
            raise GatewayError("The message service's certificate is not trusted; nothing was sent.") from problem
        except (OSError, UnicodeError, Garbled) as problem:
            raise GatewayError("The message service cannot be reached.") from problem

    def _connect(self) -> socket.socket:
        _, host, port = self._proxy or (None, self._host, self._port)
        sock = socket.create_connection((host, port), self._connect_timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._proxy:
                self._tunnel(sock, self._proxy[0])
            if self._tls:
                sock = self._tls.wrap_socket(sock, server_hostname=self._host)
            sock.settimeout(self._timeout)
        except (OSError, ValueError, Garbled):
            sock.close()
            raise
        return sock

    def _tunnel(self, sock: socket.socket, proxy: SplitResult) -> None:
        """RFC 9110, section 9.3.6."""
        place = f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if proxy.username is not None:
            lines.append("Proxy-Authorization: " + basic(unquote(proxy.username), unquote(proxy.password or "")))
        wire = Wire(sock, self._watch)
        wire.ask("\r\n".join([*lines, "", ""]).encode("latin-1"), self._connect_timeout)
        _, status, _ = wire.head()
        if not 200 <= status < 300:
            raise ConnectionRefusedError(f"the proxy answered {status}")


def basic(user: str, password: str) -> str:
    """The value of an ``Authorization`` header (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def _unanswered(problem: Exception, *, sent_unknown: bool) -> GatewayError:
    what = "answer cannot be read" if isinstance(problem, Garbled) else "answer did not arrive"
    return GatewayError(f"The message service's {what}.", sent_unknown=sent_unknown)


def _address(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise ConfigurationError(f"{url!r} is not an address.") from problem
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError(f"{url!r} is not an http or https address.")
    return parts, parts.hostname, port or _PORTS[parts.scheme]


def _close_all(wires: deque[Wire]) -> None:
    while wires:
        wires.pop().close()
