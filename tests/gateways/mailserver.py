"""A small mail server on this machine (RFC 5321, 3207, 4954) that answers as it is told and keeps what it took."""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
USER, PASSWORD = "desk@clinic.example", "p:a/s@s"
GREETING, ACCEPTED = "greeting", "accepted"


@dataclass
class Mailbox:
    """How to behave, and what happened.

    ``refuse``: a verb (or ``GREETING``, or ``ACCEPTED`` for the answer after the message) and the reply to it.
    ``hang_up`` (``hang_up_once``): at which of them to hang up instead of answering; ``silent``: at which to say
    nothing until ``released``, after setting ``waiting``. ``taken``: sender, recipients and text of each message that was
    accepted; ``said``: every command.
    """

    port: int = 0
    tls: bool = True
    implicit: bool = False
    login: bool = False
    refuse: dict[str, str] = field(default_factory=dict)
    hang_up: set[str] = field(default_factory=set)
    hang_up_once: set[str] = field(default_factory=set)
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    silent: set[str] = field(default_factory=set)
    waiting: threading.Event = field(default_factory=threading.Event)

    @property
    def mails(self) -> list[EmailMessage]:
        return [BytesParser(EmailMessage, policy=default).parsebytes(content) for _, _, content in self.taken]

    def verbs(self) -> list[str]:
        return [line.split(" ")[0] for line in self.said]


class _Conversation(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.mailbox = self.server.mailbox
        self.mailbox.connections += 1
        with suppress(OSError):
            if self.mailbox.implicit:
                self.encrypt()
            self.file = self.request.makefile("rb")
            if self.answer(GREETING, "220 mail.clinic.example"):
                self.talk()

    def finish(self) -> None:
        with suppress(OSError):
            self.file.close()
            self.request.shutdown(socket.SHUT_RDWR)
        self.request.close()

    def encrypt(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.file = self.request.makefile("rb")

    def talk(self) -> None:
        sender, recipients = "", []
        while line := self.file.readline().decode().rstrip("\r\n"):
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            line = f"{verb} {rest}".rstrip()
            self.mailbox.said.append(line)
            if verb == "MAIL":
                sender, recipients = rest, []
            if verb == "RCPT":
                recipients.append(rest)
            if not self.answer(verb, self.usual(verb, line)) or verb == "QUIT":
                return
            if verb == "STARTTLS" and verb not in self.mailbox.refuse:
                self.encrypt()
            if verb == "DATA" and verb not in self.mailbox.refuse and not self.take(sender, recipients):
                return

    def usual(self, verb: str, line: str) -> str:
        if verb == "EHLO":
            offers = ["mail.clinic.example"]
            offers += ["STARTTLS"] if self.mailbox.tls and not isinstance(self.request, ssl.SSLSocket) else []
            offers += ["AUTH PLAIN"] if self.mailbox.login else []
            return "\r\n".join(f"250{' ' if number == len(offers) else '-'}{offer}"
                               for number, offer in enumerate(offers, 1))  # fmt: skip
        if verb == "AUTH":
            given = base64.b64decode(line.split(" ")[-1]).decode().split("\0")[1:]
            return "235 welcome" if given == [USER, PASSWORD] else "535 5.7.8 wrong"
        return {"STARTTLS": "220 go", "DATA": "354 go", "QUIT": "221 bye"}.get(verb, "250 fine")

    def take(self, sender: str, recipients: list[str]) -> bool:
        lines = []
        while (line := self.file.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        if line and ACCEPTED not in self.mailbox.refuse:
            self.mailbox.taken.append((sender, recipients, b"".join(lines)))
        return self.answer(ACCEPTED, "250 taken")

    def answer(self, moment: str, usual: str) -> bool:
        if moment in self.mailbox.silent:
            self.mailbox.waiting.set()
            self.mailbox.released.wait(10)
        if moment in self.mailbox.hang_up | self.mailbox.hang_up_once:
            self.mailbox.hang_up_once.discard(moment)
            return False
        reply = self.mailbox.refuse.get(moment, usual)
        self.request.sendall(f"{reply}\r\n".encode())
        return not reply.startswith("421")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mailbox = mailbox
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(CERTIFICATE)
        mailbox.port = int(self.server_address[1])


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[Mailbox]:
    with _Server(mailbox) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield mailbox
        finally:
            mailbox.released.set()
            server.shutdown()
            thread.join()
