"""The transport against real sockets: what was surely not sent, what may have been, and what is never sent twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reminders.errors import ConfigurationError, GatewayError
from reminders.gateways.http import IDLE_SECONDS, Transport, basic
from reminders.gateways.wire import MOST_BODY, MOST_HEAD, Answer
from tests.gateways.mailserver import CERTIFICATE
from tests.gateways.peer import HELLO, OK, Act, Step, peer
from tests.gateways.stub import free_port

FORM = b"To=%2B12025550100&Body=Hello"
BROKEN: dict[str, Step] = {
    "closed before the request was read": Act.IGNORE,
    "closed before the answer": Act.HANG_UP,
    "dropped": Act.RESET,
    "silent": Act.SILENCE,
    "closed within the head": b"HTTP/1.1 201 CREATED\r\nContent-Le",
    "closed within the body": b"HTTP/1.1 201 CREATED\r\nContent-Length: 50\r\n\r\n{",
    "closed within a chunk": b"HTTP/1.1 201 CREATED\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{",
    "closed between chunks": b"HTTP/1.1 201 CREATED\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "not HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "no words at all": b"\x00\xff" * 40,
    "an endless head": b"HTTP/1.1 201 CREATED\r\nX: " + b"y" * (MOST_HEAD + 70_000),
    "an endless body": b"HTTP/1.1 201 CREATED\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1),
}


class Watch:
    """A clock for connections, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def post(transport: Transport, body: bytes = FORM) -> Answer:
    return transport.post(transport.opening("POST", "/messages", {"Content-Type": "x"}), body)


def get(transport: Transport, target: str = "/messages") -> Answer:
    return transport.send(transport.opening("GET", target, {}) + b"\r\n", repeatable=True)


def problem_of(transport: Transport, how: Any = post) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        how(transport)
    problem = caught.value
    assert (problem.permanent, problem.opted_out, problem.account) == (False, False, False)
    return problem


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_a_post_without_an_answer_may_have_been_carried_out(step: Step) -> None:
    with peer([step]) as server:
        assert problem_of(Transport(server.url, timeout=0.3)).sent_unknown
        assert server.connections == 1
    assert len(server.requests) == (0 if step is Act.IGNORE else 1)


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_a_post_on_a_kept_connection_is_not_repeated_either(step: Step) -> None:
    with peer([OK, step]) as server:
        transport = Transport(server.url, timeout=0.3, watch=Watch())
        assert post(transport).body == HELLO
        assert problem_of(transport).sent_unknown
        assert server.connections == 1


@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_a_get_without_an_answer_changed_nothing(step: Step) -> None:
    with peer([step]) as server:
        assert not problem_of(Transport(server.url, timeout=0.3), get).sent_unknown
        assert server.connections == 1


@pytest.mark.parametrize(("step", "again"), [(Act.HANG_UP, True), (Act.RESET, True), (Act.SILENCE, False)])
def test_a_get_is_repeated_once_when_its_kept_connection_had_died(step: Step, again: bool) -> None:
    with peer([OK, step], [OK]) as server:
        transport = Transport(server.url, timeout=0.3, watch=Watch())
        get(transport)
        if again:
            assert get(transport).body == HELLO
        else:
            assert not problem_of(transport, get).sent_unknown
        assert server.connections == 1 + again


def test_a_get_is_not_repeated_for_ever() -> None:
    with peer([OK, Act.HANG_UP], [Act.HANG_UP]) as server:
        transport = Transport(server.url, timeout=0.3, watch=Watch())
        get(transport)
        assert not problem_of(transport, get).sent_unknown
        assert server.connections == 2


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://nowhere.invalid", f"http://{'x' * 80}/"]
)
def test_without_a_connection_nothing_was_sent(url: str) -> None:
    assert not problem_of(Transport(url.format(port=free_port()))).sent_unknown


def test_connections_are_kept() -> None:
    with peer([OK] * 5) as server:
        transport = Transport(server.url)
        for _ in range(5):
            assert post(transport).status == 200
        assert server.connections == 1
    assert server.requests[0] == (
        b"POST /messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept-Encoding: identity\r\nContent-Type: x\r\n"
        b"Content-Length: 28\r\n\r\nTo=%%2B12025550100&Body=Hello" % server.port
    )


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnever",
    ],
)
def test_connections_that_are_not_kept(answer: bytes) -> None:
    with peer([answer, Act.LINGER]) as server:
        transport = Transport(server.url)
        assert [post(transport).body for _ in range(3)] == [HELLO] * 3
        assert server.connections == 3


@pytest.mark.parametrize(("rest", "connections"), [(IDLE_SECONDS - 1, 1), (IDLE_SECONDS + 1, 2)])
def test_a_connection_that_rested_long_is_not_used(rest: float, connections: int) -> None:
    watch = Watch()
    with peer([OK, OK]) as server:
        transport = Transport(server.url, watch=watch)
        post(transport)
        watch.now += rest
        assert post(transport).body == HELLO
        assert server.connections == connections


def test_a_connection_that_the_server_closed_is_not_used() -> None:
    watch = Watch()
    with peer([OK], [OK]) as server:
        transport = Transport(server.url, watch=watch)
        post(transport)
        server.wait_until_closed()
        watch.now += 1
        assert post(transport).body == HELLO
        assert server.connections == 2


def at_once(transport: Transport, count: int, gate: threading.Barrier) -> list[Answer]:
    """So many requests under way at the same time; ``gate`` is passed by the server's answers."""
    assert gate.parties == count
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: post(transport, b"number=%d" % number), range(count)))


def test_the_surplus_of_a_burst_ages_and_goes() -> None:
    """Six connections in a burst, four kept; later one is enough, and the others are closed by us."""
    watch, gate = Watch(), threading.Barrier(6)

    def together(_: bytes) -> bytes:
        gate.wait(10)
        return OK

    with peer([together, OK, OK, OK, OK]) as server:
        transport = Transport(server.url, connections=4, watch=watch)
        at_once(transport, 6, gate)
        for _ in range(2):
            server.wait_until_closed()
        for _ in range(3):
            watch.now += IDLE_SECONDS / 2
            assert post(transport).body == HELLO
        for _ in range(3):
            server.wait_until_closed()
        assert server.connections == 6
        transport.close()
        server.wait_until_closed()


def test_many_threads_each_get_their_own_answer() -> None:
    def echo(request: bytes) -> bytes:
        body = request.partition(b"\r\n\r\n")[2]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    with peer([echo] * 1000) as server, ThreadPoolExecutor(16) as pool:
        transport = Transport(server.url, connections=16)
        bodies = [b"number=%d" % number for number in range(400)]
        assert [answer.body for answer in pool.map(lambda body: post(transport, body), bodies)] == bodies
        assert server.connections <= 16
        transport.close()


def test_redirects_are_not_followed() -> None:
    with peer([OK]) as elsewhere:
        moved = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % elsewhere.url.encode()
        with peer([moved]) as server:
            assert get(Transport(server.url)).status == 302
        assert elsewhere.connections == 0


@pytest.mark.parametrize(
    ("suffix", "target", "line"),
    [
        ("", "/a.json?To=%2B1&x=y", b"GET /a.json?To=%2B1&x=y HTTP/1.1"),
        ("/sandbox", "/a.json", b"GET /sandbox/a.json HTTP/1.1"),
        ("/sandbox/", "/a.json", b"GET /sandbox/a.json HTTP/1.1"),
        ("", "/a b\r\nX: y", b"GET /a%20b%0D%0AX:%20y HTTP/1.1"),
        ("", "/ñ", b"GET /%C3%B1 HTTP/1.1"),
    ],
)
def test_addresses(suffix: str, target: str, line: bytes) -> None:
    with peer([OK]) as server:
        get(Transport(server.url + suffix), target)
    assert server.requests[0].split(b"\r\n")[0] == line
    assert server.requests[0].split(b"\r\n")[1] == b"Host: 127.0.0.1:%d" % server.port


def test_headers_hold_no_line_breaks() -> None:
    with pytest.raises(ValueError, match="line break"):
        Transport("http://127.0.0.1").opening("GET", "/", {"X": "y\r\nZ: 1"})


@pytest.mark.parametrize(
    "url", ["", "api.test", "ftp://api.test", "http://", "http://[", "http://api.test:x", "http://a:99999"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Transport(url)


def test_tls_with_a_certificate_that_is_trusted() -> None:
    with peer([Act.TLS, OK, OK]) as server:
        transport = Transport(server.secure_url, ca_file=str(CERTIFICATE))
        assert [post(transport).body for _ in range(2)] == [HELLO] * 2
        assert server.connections == 1
        transport.close()


@pytest.mark.parametrize(
    ("host", "trusted"), [("localhost", False), ("127.1", True)], ids=["unknown authority", "other host"]
)
def test_tls_with_a_wrong_certificate_sends_nothing(host: str, trusted: bool) -> None:
    with peer([Act.TLS, OK]) as server:
        transport = Transport(f"https://{host}:{server.port}", ca_file=str(CERTIFICATE) if trusted else None)
        problem = problem_of(transport)
        assert not problem.sent_unknown
        assert "certificate" in str(problem)
        server.wait_until_closed()
        assert (server.requests, server.tls_refused) == ([], 1)


def test_a_server_that_speaks_no_tls_gets_nothing() -> None:
    with peer([Act.IGNORE]) as server:
        assert not problem_of(Transport(server.secure_url, ca_file=str(CERTIFICATE))).sent_unknown


def test_a_server_that_never_finishes_its_handshake() -> None:
    with peer([Act.LINGER]) as server:
        assert not problem_of(Transport(server.secure_url, connect_timeout=0.2)).sent_unknown


TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


def test_through_a_proxy() -> None:
    with peer([TUNNEL, OK, OK]) as server:
        transport = Transport("http://api.test:81", proxy=f"http://us%65r:p%40ss@127.0.0.1:{server.port}")
        assert [post(transport).body for _ in range(2)] == [HELLO] * 2
        assert server.connections == 1
    connect, first, _ = server.requests
    assert connect == (
        b"CONNECT api.test:81 HTTP/1.1\r\nHost: api.test:81\r\n"
        b"Proxy-Authorization: %b\r\n\r\n" % basic("user", "p@ss").encode()
    )
    assert first.startswith(b"POST /messages HTTP/1.1\r\nHost: api.test:81\r\n")


def test_tls_through_a_proxy_is_with_the_server_and_not_with_the_proxy() -> None:
    with peer([TUNNEL, Act.TLS, OK]) as server:
        transport = Transport("https://api.test", proxy=server.url, ca_file=str(CERTIFICATE))
        problem = problem_of(transport)
        server.wait_until_closed()
        assert "certificate" in str(problem)
        assert [request.split(b"\r\n")[0] for request in server.requests] == [b"CONNECT api.test:443 HTTP/1.1"]


@pytest.mark.parametrize(
    "step",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        Act.HANG_UP,
        b"what?\r\n\r\n",
    ],
)
def test_a_proxy_that_refuses_sends_nothing(step: Step) -> None:
    with peer([step]) as server:
        assert not problem_of(Transport("http://api.test", proxy=server.url)).sent_unknown
        assert len(server.requests) == 1


def test_this_machine_is_reached_without_the_proxy() -> None:
    with peer([OK]) as server:
        assert post(Transport(server.url, proxy=f"http://127.0.0.1:{free_port()}")).body == HELLO


def test_an_ipv6_address_in_a_tunnel() -> None:
    with peer([TUNNEL, OK]) as server:
        post(Transport("http://[2001:db8::1]:82", proxy=server.url))
    assert server.requests[0].startswith(b"CONNECT [2001:db8::1]:82 HTTP/1.1\r\n")


def test_problems_tell_nothing_of_the_request() -> None:
    with peer([Act.HANG_UP]) as server:
        assert "Hello" not in str(problem_of(Transport(server.url)))


def test_a_closed_transport_keeps_nothing() -> None:
    with peer([OK, OK]) as server:
        transport = Transport(server.url)
        transport.close()
        for _ in range(2):
            post(transport)
        assert server.connections == 2
