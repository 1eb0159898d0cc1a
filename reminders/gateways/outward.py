"""HTTP to addresses that people type in: calendars, patient systems, webhooks.

Whoever may enter an address could aim us at machines behind our own firewall. So every connection, that of a redirect
included, goes only to a public address, checked on the very address that is connected to (a name may resolve to
something else a moment later), unless it lies in a network that the installation allows. Answers are bounded in size
and time, compressed ones are refused (a small answer could grow without bound), and no proxy of the environment is used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from reminders.clock import Clock, stopwatch
from reminders.domain.connector import LoginRefused, PeerError
from reminders.gateways.http import basic

MOST_BYTES = 5 * 1024 * 1024
MOST_SECONDS = 20.0
_CONNECT_SECONDS = 5.0
_REDIRECTS = 5
_CHUNK = 64 * 1024

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotPublic(PeerError):
    """The address is not one that may be asked from here."""

    sentence = "This address is not a public one; REMINDERS_PRIVATE_NETWORKS allows others."
    reason = "address_refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Names of headers are in lower case; ``url`` is where it came from after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


def networks(text: str) -> tuple[Network, ...]:
    """Networks in CIDR notation, separated by commas; ``ValueError`` for anything else."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class Outward:
    """Requests to other people's servers. Every failure is a ``PeerError``."""

    def __init__(
        self, clock: Clock, allowed: Sequence[Network] = (), *, watch: Callable[[], float] = stopwatch
    ) -> None:  # fmt: skip
        self._clock, self._allowed, self._watch = clock, tuple(allowed), watch
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(self.permit))

    def permit(self, address: str) -> bool:
        """True when a connection to this IP address may be made."""
        number = ipaddress.ip_address(address.partition("%")[0])
        plain = getattr(number, "ipv4_mapped", None) or number
        return (plain.is_global and not plain.is_multicast) or any(plain in network for network in self._allowed)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | str | None = None,
        auth: tuple[str, str] | None = None, secrets: Mapping[str, str] | None = None, most: int = MOST_BYTES,
        seconds: float = MOST_SECONDS, secret_body: bool = False,
    ) -> Reply:  # fmt: skip
        """One request with its redirects; credentials (``auth``, and ``secrets``: headers that hold keys) follow only to
        the same host, and nothing follows for a ``secret_body``, one that holds a password. ``LoginRefused`` on 401,
        ``PeerError`` on 429 and 5xx (with what Retry-After says), else the answer whatever its status."""
        until = self._watch() + seconds
        data = body.encode() if isinstance(body, str) else body
        for _ in range(_REDIRECTS):
            self._check(url, secret=bool(auth or secrets) or secret_body)
            reply = self._once(method, url, {**(headers or {}), **(secrets or {})}, data, auth, most, until)
            place = reply.headers.get("location")
            if reply.status not in (301, 302, 303, 307, 308) or not place or secret_body:
                return self._judged(reply)
            there = urljoin(url, place)
            if _origin(there) != _origin(url):
                auth = secrets = None
            url = there
        raise PeerError("The other system redirects without end.")

    def once(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, seconds: float) -> Reply:
        """One request without redirects, only over https unless the network is allowed; the answer whatever its status.
        ``PeerError`` when there is none."""
        self._check(url, secret=True)
        return self._once(method, url, dict(headers), body, None, MOST_BYTES, self._watch() + seconds)

    def check(self, url: str) -> None:
        """``NotPublic`` for an address to which nothing secret may go, as far as that shows without asking there."""
        self._check(url, secret=True)
        host = urlsplit(url).hostname or ""
        if _is_number(host) and not self.permit(host):
            raise NotPublic(permanent=True)

    def retry_after(self, reply: Reply) -> float | None:
        """For how many seconds the other side wants to be left alone, if it says so."""
        return self._retry_after(reply.headers.get("retry-after", ""))

    def dial(self, host: str, port: int, seconds: float) -> socket.socket:
        """A bare connection, under the same rules, for what is not HTTP."""
        try:
            return _connected(host, port, seconds, self.permit)
        except _Blocked as problem:
            raise NotPublic(permanent=True) from problem

    def close(self) -> None:
        self._session.close()

    def _check(self, url: str, *, secret: bool) -> None:
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise NotPublic("This is not an http or https address.", permanent=True)
        if secret and parts.scheme == "http" and not self._is_allowed_name(parts.hostname or ""):
            raise NotPublic("A password goes only over https.", permanent=True)

    def _is_allowed_name(self, host: str) -> bool:
        """Within an allowed network plain http is the installation's own business."""
        try:
            found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        except OSError:
            return False
        return bool(found) and all(
            any(ipaddress.ip_address(one.partition("%")[0]) in network for network in self._allowed) for one in found
        )

    def _once(
        self, method: str, url: str, headers: dict[str, str], data: bytes | None, auth: tuple[str, str] | None,
        most: int, until: float,
    ) -> Reply:  # fmt: skip
        headers = {"User-Agent": "reminders", "Accept-Encoding": "identity", **headers}
        if auth:
            headers["Authorization"] = basic(*auth)
        left = max(0.1, until - self._watch())
        try:
            with self._session.request(
                method, url, headers=headers, data=data, stream=True, allow_redirects=False,
                timeout=(min(_CONNECT_SECONDS, left), left),
            ) as answer:  # fmt: skip
                body = self._read(answer, most, until)
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status_code, found, body, url)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            blocked = _blocked(problem)
            raise blocked or PeerError(f"The other system did not answer ({type(problem).__name__}).") from problem

    def _read(self, answer: requests.Response, most: int, until: float) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
            raise PeerError("The other system answers compressed, which it was asked not to do.")
        parts: list[bytes] = []
        size = 0
        for chunk in answer.iter_content(_CHUNK):
            size += len(chunk)
            if size > most:
                raise PeerError("The other system's answer is too long.", permanent=True)
            if self._watch() > until:
                raise PeerError("The other system answers too slowly.")
            parts.append(chunk)
        return b"".join(parts)

    def _judged(self, reply: Reply) -> Reply:
        if reply.status == 401:
            raise LoginRefused
        if reply.status == 429 or (reply.status >= 500 and reply.status not in (501, 507)):
            wait = self.retry_after(reply)
            raise PeerError(f"The other system answers {reply.status}.", retry_after=wait, provider_code=reply.status)
        return reply

    def _retry_after(self, text: str) -> float | None:
        if text.strip().isdecimal():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self._clock.now()).total_seconds())
        except (ValueError, TypeError):
            return None


class _Blocked(OSError):
    """Resolved to an address that may not be asked."""


def _guarded(kind: type[HTTPConnection], permit: Callable[[str], bool]) -> type[HTTPConnection]:
    """A connection that looks at the address it is about to connect to."""

    class Guarded(kind):  # type: ignore[valid-type,misc]
        def _new_conn(self) -> socket.socket:
            seconds = self.timeout if isinstance(self.timeout, int | float) else _CONNECT_SECONDS
            return _connected(self._dns_host, self.port, seconds, permit)

    return Guarded


def _connected(host: str, port: int, seconds: float, permit: Callable[[str], bool]) -> socket.socket:
    """A connection to the first address of ``host`` that is permitted and answers."""
    problem: OSError | None = None
    for family, sort, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not permit(str(address[0])):
            problem = _Blocked(str(address[0]))
            continue
        sock = socket.socket(family, sort, protocol)
        try:
            sock.settimeout(seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            return sock
        except OSError as failed:
            sock.close()
            problem = failed
    raise problem or OSError("no address")


class _Adapter(HTTPAdapter):
    """Connections of ``requests`` that are guarded, and kept between requests."""

    def __init__(self, permit: Callable[[str], bool]) -> None:
        http = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": _guarded(HTTPConnection, permit)})
        https = type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": _guarded(HTTPSConnection, permit)})
        self._pools = {"http": http, "https": https}
        super().__init__(pool_connections=4, pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        self.poolmanager.pool_classes_by_scheme = self._pools


def _blocked(problem: BaseException | None) -> NotPublic | None:
    while problem is not None:
        if isinstance(problem, _Blocked):
            return NotPublic(permanent=True)
        inner = getattr(problem, "reason", None)
        problem = inner if isinstance(inner, BaseException) else problem.__cause__ or problem.__context__
    return None


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
