"""One HTTP/1.1 connection (RFC 9112): a request out in one write, an answer in, nothing assumed about either.

The answer is read strictly and within bounds: what is not HTTP, or is more than we read, is ``Garbled``.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass

#: Largest head and largest body of an answer, in bytes. A page of a thousand messages is about one megabyte.
MOST_HEAD = 64 * 1024
MOST_BODY = 8 * 1024 * 1024

_CHUNK = 64 * 1024
_INTERIM = 5  # answers with a status of 1xx that may come before the real one
_DIGITS = {10: "0123456789", 16: "0123456789abcdefABCDEF"}
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Garbled(Exception):
    """What arrived is not HTTP, or more than we read."""


class Wire:
    """One open connection, used by one thread at a time. Every method may raise ``OSError``, reading also ``Garbled``.

    ``since`` says when it was laid aside, on the clock ``watch`` (seconds).
    """

    __slots__ = ("_buffer", "_socket", "_until", "_watch", "since")

    def __init__(self, sock: socket.socket, watch: Callable[[], float]) -> None:
        self._socket = sock
        self._watch = watch
        self._buffer = bytearray()
        self._until = 0.0
        self.since = 0.0

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def is_quiet(self) -> bool:
        """False when the other side has closed the connection, or spoke without being asked."""
        with _Selector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def ask(self, request: bytes, timeout: float) -> None:
        """Send everything in one write. The answer may take ``timeout`` seconds to begin (the socket's own limit), and
        about as long to arrive, so that nobody keeps us waiting by sending it byte by byte."""
        self._until = self._watch() + timeout
        self._socket.sendall(request)

    def answer(self) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be used again."""
        for _ in range(_INTERIM):
            version, status, headers = self.head()
            if status >= 200:
                body, delimited = self._body(status, headers)
                lasting = version == "HTTP/1.1" and "close" not in headers.get("connection", "").lower()
                return Answer(status, headers, body), lasting and delimited and not self._buffer
        raise Garbled("only interim answers")

    def head(self) -> tuple[str, int, dict[str, str]]:
        """Version, status and headers, read up to and with the empty line."""
        first, *lines = self._until_mark(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        status = rest.partition(" ")[0]
        if version not in ("HTTP/1.1", "HTTP/1.0") or len(status) != 3 or status.strip(_DIGITS[10]):
            raise Garbled("no status line")
        return version, int(status), _headers(lines)

    def _body(self, status: int, headers: dict[str, str]) -> tuple[bytes, bool]:
        """RFC 9112, section 6.3. The flag tells whether the end was marked, or is just where the other side closed."""
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if status in (204, 304):
            return b"", True
        if coding is not None:
            if coding.lower() != "chunked":
                raise Garbled("unknown transfer coding")
            return self._chunks(), length is None
        if length is None:
            return self._rest(), False
        return self._take(_size(length, 10, MOST_BODY)), True

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        left = MOST_BODY
        while size := _size(self._until_mark(b"\r\n").partition(b";")[0].strip().decode("latin-1"), 16, left):
            parts.append(self._take(size))
            left -= size
            if self._take(2) != b"\r\n":
                raise Garbled("a chunk without an end")
        while self._until_mark(b"\r\n"):  # trailers say nothing that we ask for
            pass
        return b"".join(parts)

    def _rest(self) -> bytes:
        """Everything until the other side closes."""
        while len(self._buffer) <= MOST_BODY:
            if not self._more():
                return self._take(len(self._buffer))
        raise Garbled("a very long answer")

    def _until_mark(self, mark: bytes) -> bytes:
        """What comes before ``mark``; both are taken."""
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > MOST_HEAD:
                raise Garbled("a very long head")
            if not self._more():
                raise ConnectionResetError("closed before the answer")
        return self._take(end + len(mark))[:end]

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._more():
                raise ConnectionResetError("closed within the answer")
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _more(self) -> bool:
        if self._watch() > self._until:
            raise TimeoutError("a very slow answer")
        chunk = self._socket.recv(_CHUNK)
        self._buffer += chunk
        return bool(chunk)


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Garbled("no header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _size(text: str, base: int, most: int) -> int:
    """A length as HTTP writes it: digits only, without sign or prefix."""
    if not text or len(text) > 16 or text.strip(_DIGITS[base]):
        raise Garbled("no length")
    size = int(text, base)
    if size > most:
        raise Garbled("a very long answer")
    return size
