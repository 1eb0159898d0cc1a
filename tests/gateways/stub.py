"""A tiny local HTTP server that answers as it is told, for what a well-behaved emulator never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reminders.gateways.twilio import Account, Twilio


@dataclass
class Stub:
    """``answer`` is (status, headers, body), or None: accept the request and never answer. ``answers`` come before."""

    url: str
    answer: tuple[int, dict[str, str], str] | None = (500, {}, "")
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    hang_up: bool = False
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def stub() -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            state.requests.append((self.command, self.path, body))
            if state.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            answer = state.answers.pop(0) if state.answers else state.answer
            if answer is None:
                state.released.wait(10)
                return
            status, headers, text = answer
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(text.encode()))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Stub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def gateway(url: str, timeout: float = 10.0, **changes: str) -> Twilio:
    """The real gateway, pointed at ``url``."""
    values = {
        "sid": "AC" + "1" * 32, "token": "secret", "from_number": "+15005550006", "messaging_service_sid": "",
        "public_url": "https://clinic.example",
    }  # fmt: skip
    return Twilio(Account(api_url=url, **(values | changes)), connections=2, timeout=timeout)
