"""Addresses that people type in lead nowhere but to public servers, and answers stay within bounds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from reminders.clock import ManualClock
from reminders.domain.connector import LoginRefused, PeerError
from reminders.gateways.download import download
from reminders.gateways.outward import NotPublic, Outward, networks
from tests.factories import MONDAY

LOOPBACK = networks("127.0.0.0/8")
Respond = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(respond: Respond) -> Iterator[str]:
    """A server on this machine that answers GET as told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            respond(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(status: int, body: bytes = b"", **headers: str) -> Respond:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


@contextmanager
def outward(*allowed: str, watch: Callable[[], float] = lambda: 0.0) -> Iterator[Outward]:
    made = Outward(ManualClock(MONDAY), networks(",".join(allowed)), watch=watch)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True), ("127.0.0.1", False), ("10.1.2.3", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("172.16.0.1", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("::1", False),
        ("fe80::1%eth0", False), ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
    ],
)  # fmt: skip
def test_only_public_addresses_are_connected_to(address: str, allowed: bool) -> None:
    with outward() as out:
        assert out.permit(address) is allowed


def test_a_network_may_be_allowed() -> None:
    with outward("10.0.0.0/8") as out:
        assert out.permit("10.1.2.3")
        assert not out.permit("192.168.1.1")


def test_this_machine_is_not_asked() -> None:
    with answering(say(200, b"secret")) as url, outward() as out:
        for address in (url, url.replace("127.0.0.1", "localhost"), url.replace("127.0.0.1", "0")):
            with pytest.raises(NotPublic):
                out.request("GET", address)


def test_a_redirect_is_looked_at_like_any_address() -> None:
    with (
        answering(say(302, Location="http://169.254.169.254/latest/meta-data")) as url,
        outward(*["127.0.0.0/8"]) as out,
        pytest.raises(NotPublic),
    ):
        out.request("GET", url)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "http://", "gopher://x", "http://a:0/", "x"]
)
def test_only_web_addresses(url: str) -> None:
    with outward() as out, pytest.raises(NotPublic):
        out.request("GET", url)


@pytest.mark.parametrize("credentials", [{"auth": ("user", "password")}, {"secrets": {"X-Api-Key": "key"}}])
def test_a_password_goes_only_over_https(credentials: dict[str, Any]) -> None:
    with outward() as out, pytest.raises(NotPublic):
        out.request("GET", "http://93.184.216.34/", **credentials)


def test_credentials_do_not_follow_to_another_host() -> None:
    seen: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.extend(handler.headers.get(name) for name in ("Authorization", "X-Api-Key"))
        say(200)(handler)

    with answering(note) as there, answering(say(307, Location=there)) as here, outward("127.0.0.0/8") as out:
        out.request("GET", here, auth=("user", "password"), secrets={"X-Api-Key": "key"})
        assert seen == [None, None]
        out.request("GET", there, auth=("user", "password"), secrets={"X-Api-Key": "key"})
    assert seen[2:] == ["Basic dXNlcjpwYXNzd29yZA==", "key"]


def test_endless_redirects_end() -> None:
    with answering(say(302, Location="/again")) as url, outward("127.0.0.0/8") as out, pytest.raises(PeerError):
        out.request("GET", url)


def test_a_long_answer_is_not_read_to_its_end() -> None:
    with answering(say(200, b"x" * 200_000)) as url, outward("127.0.0.0/8") as out:
        with pytest.raises(PeerError):
            out.request("GET", url, most=100_000)
        assert len(out.request("GET", url, most=300_000).body) == 200_000


def test_a_slow_answer_is_given_up() -> None:
    ticks = iter(range(0, 10_000, 15))
    with (
        answering(say(200, b"x" * 200_000)) as url,
        outward("127.0.0.0/8", watch=lambda: float(next(ticks))) as out,
        pytest.raises(PeerError),
    ):
        out.request("GET", url)


def test_compressed_answers_are_refused() -> None:
    with (
        answering(say(200, b"x", Content_Encoding="gzip")) as url,
        outward("127.0.0.0/8") as out,
        pytest.raises(PeerError),
    ):
        out.request("GET", url)


@pytest.mark.parametrize(("header", "seconds"), [("120", 120), ("Mon, 06 May 2030 06:01:00 GMT", 60), ("soon", None)])
def test_who_asks_for_patience_gets_it(header: str, seconds: float | None) -> None:
    with (
        answering(say(503, Retry_After=header)) as url,
        outward("127.0.0.0/8") as out,
        pytest.raises(PeerError) as caught,
    ):
        out.request("GET", url)
    assert caught.value.retry_after == seconds


def test_a_refused_login_is_told_apart() -> None:
    with answering(say(401)) as url, outward("127.0.0.0/8") as out, pytest.raises(LoginRefused):
        out.request("GET", url)


def test_nobody_there() -> None:
    with answering(say(200)) as url:
        pass
    with outward("127.0.0.0/8") as out, pytest.raises(PeerError):
        out.request("GET", url)


def test_a_file_is_fetched_only_when_it_changed() -> None:
    def respond(handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers.get("If-None-Match") == '"one"'
        say(304 if known else 200, b"" if known else b"BEGIN:VCALENDAR", ETag='"one"')(handler)

    with answering(respond) as url, outward("127.0.0.0/8") as out:
        first = download(out, url, None)
        assert first is not None
        assert first.body == b"BEGIN:VCALENDAR"
        assert download(out, url, first.marks) is None


def test_a_missing_file_is_an_error() -> None:
    with answering(say(404)) as url, outward("127.0.0.0/8") as out, pytest.raises(PeerError):
        download(out, url, None)
