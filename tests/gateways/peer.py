"""A server on a bare socket that does what it is told, for what no HTTP server would ever do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from tests.gateways.mailserver import CERTIFICATE

HELLO = b'{"hello": 1}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + HELLO


class Act(Enum):
    """What happens instead of an answer."""

    HANG_UP = "read the request and close"
    RESET = "read the request and drop the connection without a goodbye"
    SILENCE = "read the request and say nothing"
    IGNORE = "close without reading anything"
    TLS = "begin TLS on the connection as it is"
    LINGER = "read nothing more, but keep the connection open"


Step = bytes | Act | Callable[[bytes], bytes]


@dataclass
class Peer:
    """``requests`` as they arrived, each whole; ``connections`` counts those accepted."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    tls_refused: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    sockets: list[socket.socket] = field(default_factory=list)
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secure_url(self) -> str:
        return f"https://localhost:{self.port}"

    def wait_until_closed(self) -> None:
        """Returns when one more connection was closed from this side."""
        assert self.ended.acquire(timeout=10)


@contextmanager
def peer(*plays: Sequence[Step]) -> Iterator[Peer]:
    """One play per connection, in order; the last is repeated. After its play a connection is closed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    state = Peer(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            play = plays[min(state.connections, len(plays) - 1)]
            state.connections += 1
            state.sockets.append(connection)
            thread = threading.Thread(target=_perform, args=(state, connection, play))
            thread.start()
            threads.append(thread)

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield state
    finally:
        state.released.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join()
        for connection in state.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _perform(state: Peer, connection: socket.socket, play: Sequence[Step]) -> None:
    with contextlib.suppress(OSError):
        for step in play:
            if step is Act.IGNORE:
                break
            if step is Act.LINGER:
                state.released.wait(10)
                break
            if step is Act.TLS:
                connection = _tls(state, connection)
                continue
            request = _request(connection)
            if not request:
                break
            state.requests.append(request)
            if not _respond(state, connection, step, request):
                break
    connection.close()
    state.ended.release()


def _respond(state: Peer, connection: socket.socket, step: Step, request: bytes) -> bool:
    if step is Act.SILENCE:
        state.released.wait(10)
    elif step is Act.RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(step, Act):
        return False
    connection.sendall(step if isinstance(step, bytes) else step(request))
    return True


def _tls(state: Peer, connection: socket.socket) -> socket.socket:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    try:
        secured = context.wrap_socket(connection, server_side=True)
    except OSError:
        state.tls_refused += 1
        raise
    state.sockets.append(secured)
    return secured


def _request(connection: socket.socket) -> bytes:
    """One request, whole; empty when the other side closed."""
    data = b""
    while b"\r\n\r\n" not in data or len(data) < _whole(data):
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    return data


def _whole(data: bytes) -> int:
    head, mark, _ = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return len(head) + len(mark) + length
