"""A small HTTP server that plays another vendor's system: subclasses answer as its documentation says, tests make it
misbehave. Its clock stands still unless it is moved, so that many records share one time of change."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from reminders.clock import ManualClock
from tests.factories import MONDAY


@dataclass(frozen=True)
class Asked:
    """One request. Names of headers are in lower case; ``query`` holds the first value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Said:
    """One answer; ``body`` that is no text or bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """Instead of the next answer. ``said`` ``None``: the connection breaks; ``after``: but the request was carried out."""

    said: Said | None = None
    after: bool = False


class FakeSystem:
    """Subclass and write ``answer``. ``faults`` are used up, one for each request; ``asked`` is what came in."""

    def __init__(self) -> None:
        self.clock = ManualClock(MONDAY)
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer leaves in one piece, or its end waits 40 ms for the acknowledgement of its start

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = fake.reply(Asked(self.command, parts.path, query, headers, body))
                if said is None:
                    self.close_connection = True
                    return
                data = said.body if isinstance(said.body, bytes) else _text(said.body).encode()
                self.send_response(said.status)
                kind = {"Content-Type": "application/json"} if data else {}
                for name, value in (kind | {"Content-Length": str(len(data))} | dict(said.headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def answer(self, asked: Asked) -> Said:
        """What the vendor would say."""
        raise NotImplementedError

    def reply(self, asked: Asked) -> Said | None:
        """What is said, in the order of requests; ``None``: nothing."""
        with self._lock:
            self.asked.append(asked)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and not fault.after:
                return fault.said
            said = self.answer(asked)
            return fault.said if fault is not None else said

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)
