"""Reading answers: every way to mark an end, in every kind of pieces, and whatever is not HTTP."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.gateways.wire import MOST_BODY, MOST_HEAD, Answer, Garbled, Wire

BODY = b'{"sid": "SM1"}'


class Pieces:
    """A socket that hands out ``data`` in pieces of the given sizes (then the rest), and closes."""

    def __init__(self, data: bytes, sizes: list[int] | None = None) -> None:
        self._left = data
        self._sizes = list(sizes or [])
        self.written: list[bytes] = []

    def recv(self, most: int) -> bytes:
        size = min(self._sizes.pop(0) if self._sizes else most, most)
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def sendall(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        raise OSError("already gone")


def wire_over(sock: Any) -> Wire:
    return Wire(sock, lambda: 0.0)


def read(data: bytes, sizes: list[int] | None = None) -> tuple[Answer, bool]:
    return wire_over(Pieces(data, sizes)).answer()


def chunked(body: bytes, sizes: list[int]) -> bytes:
    out = b""
    while body:
        size = sizes.pop(0) if sizes else len(body)
        part, body = body[:size], body[size:]
        out += b"%X;note=1\r\n%b\r\n" % (len(part), part)
    return out + b"0\r\nX-Trailer: y\r\n\r\n"


@given(
    body=st.binary(max_size=300), parts=st.lists(st.integers(1, 60)), pieces=st.lists(st.integers(1, 40)),
    way=st.sampled_from(["length", "chunks", "close"]), status=st.integers(200, 599).filter(lambda s: s not in (204, 304)),
)  # fmt: skip
def test_a_body_arrives_whole_however_it_travels(
    body: bytes, parts: list[int], pieces: list[int], way: str, status: int
) -> None:
    head = b"HTTP/1.1 %d Some words\r\nX-Way: %b\r\n" % (status, way.encode())
    data = {
        "length": head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        "chunks": head + b"Transfer-Encoding: Chunked\r\n\r\n" + chunked(body, parts),
        "close": head + b"\r\n" + body,
    }[way]
    answer, lasting = read(data, pieces)
    assert (answer.status, answer.body, answer.headers["x-way"]) == (status, body, way)
    assert lasting is (way != "close")


@given(st.binary(max_size=200))
def test_what_is_not_http_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises((Garbled, ConnectionResetError)):
        read(data)


@given(cut=st.integers(0, 70), way=st.sampled_from(["length", "chunks"]))
def test_an_answer_that_breaks_off_is_no_answer(cut: int, way: str) -> None:
    head = b"HTTP/1.1 201 CREATED\r\n"
    data = {
        "length": head + b"Content-Length: 14\r\n\r\n" + BODY,
        "chunks": head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(BODY, [3, 5]),
    }[way]
    with pytest.raises(ConnectionResetError):
        read(data[: min(cut, len(data) - 1)])


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{}" % (MOST_BODY + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (MOST_BODY + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"y" * (MOST_BODY + 1), [MOST_BODY]),
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * (MOST_HEAD + 100_000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * (MOST_BODY + 1),
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9,
    ],
)
def test_strictness_and_bounds(data: bytes) -> None:
    with pytest.raises(Garbled):
        read(data)


@pytest.mark.parametrize(
    ("head", "lasting"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n{}", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}surplus", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\n{}\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", True),
    ],
)
def test_when_a_connection_may_be_used_again(head: bytes, lasting: bool) -> None:
    answer, kept = read(head)
    assert (answer.body, kept) == (b"{}", lasting)


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(status: int) -> None:
    assert read(b"HTTP/1.1 %d x\r\n\r\n" % status) == (Answer(status, {}, b""), True)


def test_repeated_headers_are_a_list() -> None:
    answer, _ = read(b"HTTP/1.1 200 OK\r\nVia: a\r\nvia:b\r\nContent-Length: 0\r\n\r\n")
    assert answer.headers["via"] == "a, b"


def test_a_request_is_one_write() -> None:
    sock = Pieces(b"")
    wire_over(sock).ask(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", 5.0)
    assert sock.written == [b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b"]


def test_nobody_keeps_us_by_dripping() -> None:
    """Each byte comes in time, the whole does not."""
    now = [0.0]

    class Dripping(Pieces):
        def recv(self, most: int) -> bytes:
            now[0] += 4.0
            return super().recv(1)

    sock: Any = Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    wire = Wire(sock, lambda: now[0])
    wire.ask(b"GET / HTTP/1.1\r\n\r\n", 10.0)
    with pytest.raises(TimeoutError):
        wire.answer()
    assert now[0] == 12.0


def test_closing_twice_is_no_problem() -> None:
    wire_over(Pieces(b"")).close()


def test_a_connection_is_quiet_until_the_other_side_moves() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours, lambda: 0.0)
    assert wire.is_quiet()
    theirs.sendall(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert not wire.is_quiet()
    theirs.close()
    wire.close()
