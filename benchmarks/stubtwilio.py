"""A stand-in for Twilio's REST API that costs next to nothing and misbehaves on request.

It speaks the part of the API that the product uses (messages, calls, lists, the account, signed status callbacks), in a
process of its own, over keep-alive HTTP/1.1 with or without TLS, and remembers every message it accepted and when. All
chances come from one seed. One request at a time on each connection, as every HTTP/1.1 client does that does not
pipeline. ``python -m benchmarks.stubtwilio --port 9999 --latency 0.1``, or ``with running(folder, latency=0.1) as stub``.

``/stub/messages``, ``/stub/count``, ``/stub/reset`` and ``/stub/faults`` are for those who measure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.callbacks import Caller
from benchmarks.stubdesk import ACCOUNT, SENDER, TOKEN, Accepted, Behaviour, Desk


class Http(asyncio.Protocol):
    """Bytes in, bytes out."""

    transport: asyncio.Transport

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = b""
        self._later = asyncio.get_running_loop().call_later

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            total = end + 4 + _content_length(head)
            if len(self._buffer) < total:
                return
            body, self._buffer = self._buffer[end + 4 : total], self._buffer[total:]
            method, target, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
            self._answer(*self._desk.answer(method, target, body))

    def _answer(self, data: bytes | None, after: float) -> None:
        if after > 0:
            self._later(after, self._write, data)
        else:
            self._write(data)

    def _write(self, data: bytes | None) -> None:
        if data is None:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(data)


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(head[at + 17 :].partition(b"\r\n")[0])


async def serve(port: int, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
    """Answer until cancelled."""
    desk = Desk(behaviour, Caller(TOKEN))
    server = await asyncio.get_running_loop().create_server(
        lambda: Http(desk), "127.0.0.1", port, ssl=tls, backlog=1024, reuse_address=True
    )
    async with server:
        await server.serve_forever()


@dataclass(frozen=True)
class Stub:
    """A running stand-in and the way to tell and ask it."""

    server: servers.Server
    url: str

    def settings(self) -> dict[str, str]:
        """The environment that makes the product talk to it."""
        return {
            "TWILIO_API_URL": self.url, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM_NUMBER": SENDER,
        }  # fmt: skip

    def messages(self) -> list[Accepted]:
        """Everything accepted since the start or the last reset."""
        return [Accepted(**one) for one in self._ask("messages")]

    def count(self) -> int:
        return int(self.state()["messages"])

    def state(self) -> dict[str, Any]:
        """Counts of messages, faults and callbacks."""
        return dict(self._ask("count"))

    def reset(self) -> None:
        """Forget all messages and count from the beginning."""
        self._ask("reset", {})

    def faults(self, **changes: Any) -> None:
        """Change the behaviour (fields of ``Behaviour``) and start its chances anew from the seed."""
        self._ask("faults", changes)

    def _ask(self, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        trusting = ssl._create_unverified_context()
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
        )
        with opener.open(f"{self.url}/stub/{what}", data=data, timeout=30) as answer:
            return json.load(answer)


@contextmanager
def running(folder: Path, tls: tuple[Path, Path] | None = None, **behaviour: Any) -> Iterator[Stub]:
    """Start one on a free port until the block ends; ``behaviour`` are fields of ``Behaviour``, ``tls`` is
    (certificate, key), for example from ``certificate``."""
    port = servers.free_port()
    command = [sys.executable, "-m", "benchmarks.stubtwilio", "--port", str(port), "--faults", json.dumps(behaviour)]
    secure = ["--tls", *map(str, tls)] if tls else []
    with servers.serve([*command, *secure], port, folder / f"stub-{port}.log") as server:
        yield Stub(server, f"{'https' if tls else 'http'}://127.0.0.1:{port}")


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1, signed by itself; needs the ``openssl`` command."""
    cert, key = folder / "stub.pem", folder / "stub.key"
    subprocess.run(
        [*["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext"],
         "subjectAltName=IP:127.0.0.1", "-out", str(cert), "-keyout", str(key)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.stubtwilio", description="a stand-in for Twilio")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files")
    options.add_argument("--latency", type=float, help="seconds before every answer")
    options.add_argument("--seed", type=int, help="of all chances")
    options.add_argument("--callbacks", action="store_true", default=None, help="make status callbacks")
    options.add_argument("--faults", type=json.loads, default={}, metavar="JSON", help="fields of Behaviour")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    chosen = {name: getattr(given, name) for name in ("latency", "seed", "callbacks")}
    behaviour = Behaviour(**given.faults | {name: value for name, value in chosen.items() if value is not None})
    tls = None
    if given.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*given.tls)
    try:
        asyncio.run(serve(given.port, behaviour, tls))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
