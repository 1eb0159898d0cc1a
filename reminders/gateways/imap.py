"""Mail out of a mailbox (IMAP4rev1, RFC 3501), read and left as it is.

The mailbox is opened for reading only and messages are fetched with PEEK, so people who read it too see no difference.
How far it was read is a cursor: UIDVALIDITY and the last UID (RFC 3501 section 2.3.1.1). Every failure is a ``PeerError``.
"""

from __future__ import annotations

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from reminders.clock import Clock, stopwatch
from reminders.domain.connector import LoginRefused, PeerError
from reminders.domain.ports import Mails

_TIMEOUT_SECONDS, _MOST_SECONDS = 10.0, 60.0
_MOST_MAILS = 200
#: Without a cursor only so much of the past is read: what was answered before is over.
_BACK = timedelta(days=14)
_SLACK = 64 * 1024
_SIZE = re.compile(rb"UID (\d+).*?RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*?UID (\d+)", re.ASCII | re.DOTALL)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: RFC 5530: refusals that are about this moment and not about the password.
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")

#: Opens a connection to a host and port within so many seconds, or raises ``OSError`` or ``PeerError``.
Dial = Callable[[str, int, float], socket.socket]


@dataclass(frozen=True, slots=True)
class Box:
    """Which mailbox: ``imaps`` is TLS from the first byte (RFC 8314), else STARTTLS; nothing goes unencrypted."""

    host: str
    port: int
    implicit_tls: bool
    folder: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_url(cls, url: str, user: str, password: str) -> Box:
        """Read ``imaps://mail.clinic.example/INBOX`` (RFC 5092, without credentials)."""
        try:
            parts = urlsplit(url)
            port = parts.port or (993 if parts.scheme == "imaps" else 143)
        except ValueError:
            parts, port = urlsplit(""), 0
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or parts.username:
            raise PeerError("This is not an address such as imaps://mail.clinic.example/INBOX.", permanent=True)
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if not re.fullmatch(r"[ -~]{1,200}", folder) or not f"{user}{password}".isprintable():
            raise PeerError("The name of the folder, the user or the password cannot be sent.", permanent=True)
        return cls(parts.hostname, port, parts.scheme == "imaps", folder, user, password)


class Imap:
    """Implements ``MailReader`` (domain/ports.py). One connection per pass."""

    def __init__(
        self, box: Box, dial: Dial, clock: Clock, most_bytes: int, *, timeout: float = _TIMEOUT_SECONDS,
        context: ssl.SSLContext | None = None, watch: Callable[[], float] = stopwatch,
    ) -> None:  # fmt: skip
        self._box, self._dial, self._clock, self._most_bytes = box, dial, clock, most_bytes
        self._timeout, self._watch = timeout, watch
        self._context = context or ssl.create_default_context()

    def check(self) -> str:
        """Log in and open the folder; says how many messages are in it."""
        with self._opened() as (_, count):
            return f"{self._box.folder}: {count} messages"

    def read(self, cursor: str | None) -> Mails:
        with self._opened() as (session, _):
            validity = _number(session.response("UIDVALIDITY")[1])
            known, _, last = (cursor or "").partition(":")
            after = int(last) if known == str(validity) and last.isdecimal() else None
            numbers = self._numbers(session, after)
            wanted = numbers[:_MOST_MAILS]
            bodies, upto = self._bodies(session, wanted)
            return Mails(
                tuple(bodies), f"{validity}:{max(upto, after or 0)}", len(wanted), upto < max(numbers, default=0)
            )

    def _numbers(self, session: imaplib.IMAP4, after: int | None) -> list[int]:
        """UIDs of what is new. A range always names the last message too (RFC 3501, 6.4.8), new or not."""
        day = (self._clock.now() - _BACK).date()
        since = f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}"
        found = _ok(session.uid("SEARCH", since if after is None else f"UID {after + 1}:*"))
        numbers = {int(one) for line in found if isinstance(line, bytes) for one in line.split() if one.isdigit()}
        return sorted(number for number in numbers if number > (after or 0))

    def _bodies(self, session: imaplib.IMAP4, numbers: Sequence[int]) -> tuple[list[bytes], int]:
        """Messages that are not too long, as far as time allows, and the last UID that was looked at."""
        sizes = self._sizes(session, numbers)
        bodies, upto, until = [], 0, self._watch() + _MOST_SECONDS
        for number in numbers:
            if self._watch() > until:
                break
            if sizes.get(number, 0) <= self._most_bytes:
                parts = _ok(session.uid("FETCH", str(number), "(BODY.PEEK[])"))
                bodies += [part[1] for part in parts if isinstance(part, tuple)][:1]
            upto = number
        return bodies, upto

    def _sizes(self, session: imaplib.IMAP4, numbers: Sequence[int]) -> dict[int, int]:
        if not numbers:
            return {}
        lines = _ok(session.uid("FETCH", ",".join(map(str, numbers)), "(UID RFC822.SIZE)"))
        found = [match for line in lines if isinstance(line, bytes) and (match := _SIZE.search(line))]
        return {int(one[1] or one[4]): int(one[2] or one[3]) for one in found}

    @contextmanager
    def _opened(self) -> Iterator[tuple[imaplib.IMAP4, int]]:
        """A session in the folder; whatever goes wrong in it is told as a ``PeerError``."""
        try:
            session = _Session(self._box, self._dial, self._timeout, self._context, self._most_bytes + _SLACK)
            try:
                self._log_in(session)
                count = _number(_ok(session.select(f'"{_quoted(self._box.folder)}"', readonly=True)))
                yield session, count
            finally:
                with suppress(imaplib.IMAP4.error, OSError):
                    session.logout()
                with suppress(OSError):  # which logout leaves open when nobody answers it
                    session.shutdown()
        except ssl.SSLCertVerificationError as problem:
            raise PeerError("The mail server's certificate cannot be trusted.") from problem
        except (imaplib.IMAP4.error, OSError, ValueError) as problem:
            raise PeerError(f"The mail server did not answer as it should ({type(problem).__name__}).") from problem

    def _log_in(self, session: imaplib.IMAP4) -> None:
        if not self._box.implicit_tls:
            session.starttls(self._context)
        try:
            session.login(self._box.user, self._box.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as problem:
            if any(code in str(problem).upper() for code in _PASSING):
                raise
            raise LoginRefused from problem


class _Session(imaplib.IMAP4):
    """The standard library's client on a connection of our own making, which does not swallow everything it is sent."""

    def __init__(self, box: Box, dial: Dial, timeout: float, context: ssl.SSLContext, most: int) -> None:
        self._box, self._dialled, self._secure, self._most = box, dial, context, most
        super().__init__(box.host, box.port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        sock = self._dialled(self._box.host, self._box.port, timeout or _TIMEOUT_SECONDS)
        if not self._box.implicit_tls:
            return sock
        try:
            return self._secure.wrap_socket(sock, server_hostname=self._box.host)
        except OSError:
            sock.close()
            raise

    def read(self, size: int) -> bytes:
        if size > self._most:
            raise self.abort("more than was asked for")
        return super().read(size)


def _ok(answer: tuple[str, Sequence[object]]) -> Sequence[object]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(answer[0])
    return answer[1]


def _number(found: Sequence[object] | None) -> int:
    first = found[0] if found else None
    if not isinstance(first, bytes) or not first.isdigit():
        raise imaplib.IMAP4.error("no number")
    return int(first)


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
