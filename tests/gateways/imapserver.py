"""A small IMAP server on this machine (RFC 3501), with what a reader needs, that also misbehaves when told."""

from __future__ import annotations

import re
import shlex
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.gateways.mailserver import CERTIFICATE, PASSWORD, USER


@dataclass
class Folder:
    """How to behave, and what happened. ``mails`` by UID; ``instead``: what is said in place of the answer to a command
    (``b""``: hang up); ``said``: every command without its tag."""

    mails: dict[int, bytes] = field(default_factory=dict)
    validity: int = 7
    implicit: bool = True
    instead: dict[str, bytes] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"imap{'s' if self.implicit else ''}://localhost:{self.port}/INBOX"

    def add(self, mail: bytes) -> int:
        number = max(self.mails, default=10) + 1
        self.mails[number] = mail
        return number

    def fetched(self) -> list[int]:
        """UIDs of the messages that were read."""
        return [int(line.split()[2]) for line in self.said if "BODY" in line]


class _Conversation(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.folder = self.server.folder
        with suppress(OSError):
            if self.folder.implicit:
                self.encrypt()
            self.file = self.request.makefile("rb")
            self.request.sendall(b"* OK ready\r\n")
            while line := self.file.readline().decode().rstrip("\r\n"):
                tag, _, command = line.partition(" ")
                if not self.act(tag, command):
                    return

    def finish(self) -> None:
        with suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)
        self.request.close()

    def encrypt(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.file = self.request.makefile("rb")

    def act(self, tag: str, command: str) -> bool:
        self.folder.said.append(command)
        verb = " ".join(command.split()[:2] if command.upper().startswith("UID") else command.split()[:1]).upper()
        instead = self.folder.instead.get(verb)
        if instead is not None:
            self.request.sendall(instead.replace(b"TAG", tag.encode()))
            return bool(instead)
        untagged, status = self.answer(verb, shlex.split(command))
        self.request.sendall(b"".join(b"* " + one + b"\r\n" for one in untagged) + f"{tag} {status}\r\n".encode())
        if verb == "STARTTLS":
            self.encrypt()
        return verb != "LOGOUT"

    def answer(self, verb: str, words: list[str]) -> tuple[list[bytes], str]:
        match verb:
            case "CAPABILITY":
                return [b"CAPABILITY IMAP4rev1" + (b"" if self.folder.implicit else b" STARTTLS")], "OK done"
            case "LOGIN":
                return [], "OK done" if words[1:] == [USER, PASSWORD] else "NO [AUTHENTICATIONFAILED] wrong"
            case "EXAMINE":
                count, validity = len(self.folder.mails), self.folder.validity
                return [b"%d EXISTS" % count, b"OK [UIDVALIDITY %d] valid" % validity], "OK [READ-ONLY]"
            case "UID SEARCH":
                return [b" ".join([b"SEARCH", *(b"%d" % one for one in self.found(words[2:]))])], "OK done"
            case "UID FETCH":
                return [
                    self.fetched(int(one), " ".join(words[3:]))
                    for one in words[2].split(",")
                    if int(one) in self.folder.mails
                ], "OK done"
        return [], "OK done"

    def found(self, words: list[str]) -> list[int]:
        if words[0] == "SINCE":
            return sorted(self.folder.mails)
        first, last = int(words[1].split(":")[0]), max(self.folder.mails, default=0)
        return sorted(one for one in self.folder.mails if one >= min(first, last))

    def fetched(self, number: int, what: str) -> bytes:
        mail, place = self.folder.mails[number], sorted(self.folder.mails).index(number) + 1
        if "SIZE" in what:
            return b"%d FETCH (UID %d RFC822.SIZE %d)" % (place, number, len(mail))
        assert re.fullmatch(r"\(BODY\.PEEK\[\]\)", what), "marks the message as read"
        return b"%d FETCH (UID %d BODY[] {%d}\r\n%b)" % (place, number, len(mail), mail)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, folder: Folder) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.folder = folder
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(CERTIFICATE)
        folder.port = int(self.server_address[1])


@contextmanager
def imap_server(folder: Folder) -> Iterator[Folder]:
    with _Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield folder
        finally:
            server.shutdown()
            thread.join()
