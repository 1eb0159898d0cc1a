"""E-mail through a mail server: SMTP (RFC 5321) over TLS, its replies in our words.

A mail server cannot be asked later what became of a message. So what counts is how far the dialogue came: up to the
final dot nothing was sent; after it the server holds the whole message, and a lost answer leaves it unknown.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from reminders.clock import Clock, stopwatch
from reminders.domain.delivery import State
from reminders.domain.ports import Attachment, Report
from reminders.errors import GatewayError
from reminders.gateways.letter import Sender, compose

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_SUBMISSION, _SUBMISSIONS = 587, 465  # RFC 6409, RFC 8314
#: Each step of the dialogue; the answer to the whole message may take longer, because some servers search it first.
_TIMEOUT_SECONDS, _ACCEPTANCE_SECONDS = 10.0, 60.0
_IDLE_SECONDS = 60.0

#: RFC 5321, 4.2.3: the address itself is the problem (no such mailbox, moved away, not an address).
BAD_ADDRESS = frozenset({550, 551, 553})
#: RFC 4954, 6: authentication is wanted or failed, whoever the recipient is.
_ACCOUNT = frozenset({530, 534, 535, 538})

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[\w.!#$%&'*+/=?^`{{|}}~-]{{1,64}}@{_NAME}(?:\.{_NAME})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Server:
    """Where to hand mail over. ``implicit_tls``: TLS from the first byte (RFC 8314), else STARTTLS (RFC 3207)."""

    host: str
    port: int
    implicit_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> Server:
        """Read ``smtp://user:password@host:587`` or ``smtps://…``; name and password may be percent-encoded."""
        parts = urlsplit(url)
        implicit = parts.scheme == "smtps"
        port = parts.port or (_SUBMISSIONS if implicit else _SUBMISSION)
        return cls(parts.hostname or "", port, implicit, unquote(parts.username or ""), unquote(parts.password or ""))


class Smtp:
    """Implements ``Mailer`` (domain/ports.py) on up to ``connections`` connections, which are kept between messages.

    Without TLS it speaks only to a server on this machine. ``context`` is for tests; the system's certificates count.
    """

    def __init__(
        self, server: Server, sender: Sender, clock: Clock, *, connections: int = 3,
        timeout: float = _TIMEOUT_SECONDS, acceptance: float = _ACCEPTANCE_SECONDS, context: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout = timeout
        self._acceptance = acceptance
        self._context = context or ssl.create_default_context()
        self._free = threading.BoundedSemaphore(connections)
        self._kept: deque[tuple[smtplib.SMTP, float]] = deque(maxlen=connections)

    def send(
        self, to: str, subject: str, body: str, message_id: str, attachment: Attachment | None = None
    ) -> Report:  # fmt: skip
        recipient = _recipient(to)
        date = format_datetime(self._clock.now())
        content = compose(self._sender, recipient, subject, body, message_id, date, attachment)
        with self._connection() as connection:
            _hand_over(connection, self._sender.address, recipient, content, self._acceptance)
        return Report(sid=message_id, state=State.SENT, status="accepted", to=to, body=body)

    def check_account(self) -> None:
        """Connect and log in, and send nothing."""
        connection = self._open()
        _quit(connection)

    def close(self) -> None:
        """Say goodbye on every kept connection."""
        while self._kept:
            _quit(self._kept.pop()[0])

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        if not self._free.acquire(timeout=self._timeout):
            raise GatewayError("All connections to the mail server are in use.", retry_after=1.0)
        try:
            connection = self._kept_one() or self._open()
            try:
                yield connection
            except GatewayError:
                raise
            except BaseException:
                connection.close()
                raise
            finally:
                if connection.sock is not None:
                    self._kept.append((connection, stopwatch()))
        finally:
            self._free.release()

    def _kept_one(self) -> smtplib.SMTP | None:
        """A connection that still answers, as if it were new."""
        while True:
            try:
                connection, since = self._kept.pop()
            except IndexError:
                return None
            with suppress(smtplib.SMTPException, OSError):
                if stopwatch() - since < _IDLE_SECONDS and connection.rset()[0] == 250:
                    return connection
            connection.close()

    def _open(self) -> smtplib.SMTP:
        try:
            connection = self._connect()
            try:
                self._greet(connection)
            except BaseException:
                connection.close()
                raise
        except smtplib.SMTPResponseException as refusal:
            raise _refusal(refusal.smtp_code, account=refusal.smtp_code >= 500) from refusal
        except smtplib.SMTPServerDisconnected as problem:
            raise GatewayError("The mail server hung up.") from problem
        except (smtplib.SMTPException, ssl.SSLCertVerificationError) as problem:
            raise GatewayError("The mail server offers no TLS or login that can be trusted.", account=True) from problem
        except OSError as problem:
            raise GatewayError("The mail server cannot be reached.") from problem
        return connection

    def _connect(self) -> smtplib.SMTP:
        host, port, own_name = self._server.host, self._server.port, self._sender.domain
        if self._server.implicit_tls:
            return smtplib.SMTP_SSL(host, port, own_name, timeout=self._timeout, context=self._context)
        return smtplib.SMTP(host, port, own_name, timeout=self._timeout)

    def _greet(self, connection: smtplib.SMTP) -> None:
        connection.ehlo_or_helo_if_needed()
        if not self._server.implicit_tls and (connection.has_extn("starttls") or self._server.host not in _LOCAL):
            connection.starttls(context=self._context)
        if self._server.user:
            connection.login(self._server.user, self._server.password)


def _recipient(to: str) -> str:
    """The address with its domain in ASCII (IDNA). What no mail server could take is refused without asking one."""
    local, _, domain = to.strip().rpartition("@")
    with suppress(UnicodeError):
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
        if len(address) <= 254 and _ADDRESS.fullmatch(address) and ".." not in f".{local}.":
            return address
    raise GatewayError("This is not an e-mail address.", permanent=True, provider_code=553)


def _hand_over(
    connection: smtplib.SMTP, sender: str, recipient: str, content: bytes, acceptance: float
) -> None:  # fmt: skip
    """One mail transaction (RFC 5321, 3.3)."""
    try:
        _expect(connection.mail(sender)[0], 2, ours=True)
        _expect(connection.rcpt(recipient)[0], 2)
        _expect(connection.docmd("DATA")[0], 3)
        connection.send(_dotted(content))
    except OSError as problem:  # the base of SMTPException too; the final dot cannot have arrived
        connection.close()
        raise GatewayError("The mail server hung up.") from problem
    try:
        code = _patiently(connection, acceptance)
    except OSError as problem:
        connection.close()
        raise GatewayError("The mail server did not answer.", sent_unknown=True) from problem
    if code // 100 not in {2, 4, 5}:
        connection.close()
        raise GatewayError("The mail server's answer cannot be read.", sent_unknown=True)
    _expect(code, 2)


def _patiently(connection: smtplib.SMTP, seconds: float) -> int:
    """The code of the next reply, which may take so long."""
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected
    usual = connection.sock.gettimeout()
    connection.sock.settimeout(seconds)
    code = connection.getreply()[0]
    connection.sock.settimeout(usual)
    return code


def _expect(code: int, wanted: int, *, ours: bool = False) -> None:
    """Go on after a reply of the class wanted. ``ours``: the recipient is not known yet, so a refusal is of us."""
    if code // 100 == wanted:
        return
    raise _refusal(code, account=code >= 500 and (ours or code in _ACCOUNT))


def _refusal(code: int, *, account: bool) -> GatewayError:
    """Replies of 4xx are about this moment, those of 5xx are final (RFC 5321, 4.2.1)."""
    return GatewayError(
        f"The mail server refused: {code}.", permanent=code >= 500 and not account, account=account,
        provider_code=code,
    )  # fmt: skip


def _dotted(content: bytes) -> bytes:
    """With the dots of RFC 5321, 4.5.2: doubled at the start of a line, and alone at the end of the message."""
    return re.sub(rb"^\.", b"..", content, flags=re.MULTILINE) + b".\r\n"


def _quit(connection: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException, OSError):
        connection.quit()
    connection.close()
