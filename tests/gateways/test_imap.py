"""A mailbox is read over a real connection, in order, once, and left as it was."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from reminders.clock import ManualClock
from reminders.domain.connector import LoginRefused, PeerError
from reminders.gateways.imap import Box, Imap
from reminders.gateways.outward import Outward, networks
from tests.gateways.imapserver import Folder, imap_server
from tests.gateways.mailserver import CERTIFICATE, PASSWORD, USER
from tests.gateways.stub import free_port

NOW = datetime(2030, 5, 6, 8, 0, tzinfo=UTC)
MAIL = b"Subject: one\r\n\r\nHello\r\n"


def reader(url: str, *, password: str = PASSWORD, allowed: str = "127.0.0.0/8", **more: Any) -> Imap:
    clock = ManualClock(NOW)
    context = more.pop("context", None) or ssl.create_default_context(cafile=str(CERTIFICATE))
    outward = Outward(clock, networks(allowed))
    return Imap(Box.from_url(url, USER, password), outward.dial, clock, 1000, timeout=5.0, context=context, **more)


@contextmanager
def mailbox(**changes: Any) -> Iterator[Folder]:
    with imap_server(Folder(**changes)) as folder:
        yield folder


@pytest.mark.parametrize("implicit", [True, False], ids=["imaps", "starttls"])
def test_new_mails_are_read_once_and_left_as_they_are(implicit: bool) -> None:
    with mailbox(implicit=implicit) as folder:
        imap = reader(folder.url)
        first, second = folder.add(MAIL), folder.add(b"Subject: \xff\xfe\r\n\r\n)\r\nA1 OK fooled\r\n")
        found = imap.read(None)
        assert found.bodies == (folder.mails[first], folder.mails[second])
        assert (found.cursor, found.seen, found.more) == (f"7:{second}", 2, False)
        again = imap.read(found.cursor)
        assert (again.bodies, again.cursor, again.seen) == ((), found.cursor, 0), "a range names the last one too"
        third = folder.add(MAIL)
        assert imap.read(found.cursor).cursor == f"7:{third}"
        assert folder.fetched() == [first, second, third]
        assert "UID SEARCH SINCE 22-Apr-2030" in folder.said
        assert not [line for line in folder.said if line.split()[0] in {"SELECT", "STORE", "EXPUNGE"}]


def test_an_empty_mailbox_says_so() -> None:
    with mailbox() as folder:
        assert reader(folder.url).check() == "INBOX: 0 messages"
        assert reader(folder.url).read(None).cursor == "7:0"


def test_what_is_too_long_is_passed_over() -> None:
    with mailbox() as folder:
        folder.add(b"x" * 1001)
        last = folder.add(MAIL)
        found = reader(folder.url).read(None)
        assert (found.bodies, found.seen, folder.fetched()) == ((MAIL,), 2, [last])


def test_a_mailbox_that_counts_anew_is_read_anew() -> None:
    with mailbox(validity=8) as folder:
        number = folder.add(MAIL)
        assert reader(folder.url).read("7:400").cursor == f"8:{number}"


def test_many_mails_take_several_passes() -> None:
    with mailbox() as folder:
        for _ in range(203):
            folder.add(MAIL)
        imap = reader(folder.url)
        first = imap.read(None)
        rest = imap.read(first.cursor)
        assert (len(first.bodies), first.more, len(rest.bodies), rest.more) == (200, True, 3, False)


def test_a_pass_ends_when_its_time_is_up() -> None:
    moments = iter([0.0, 1.0, 61.0, 62.0])
    with mailbox() as folder:
        first = folder.add(MAIL)
        folder.add(MAIL)
        found = reader(folder.url, watch=lambda: next(moments)).read(None)
        assert (found.cursor, len(found.bodies), found.more) == (f"7:{first}", 1, True)


def test_a_wrong_password_is_told_apart_from_a_bad_moment() -> None:
    with mailbox() as folder:
        with pytest.raises(LoginRefused):
            reader(folder.url, password="other").check()
        folder.instead["LOGIN"] = b"TAG NO [UNAVAILABLE] later\r\n"
        with pytest.raises(PeerError) as caught:
            reader(folder.url).check()
        assert not isinstance(caught.value, LoginRefused)


@pytest.mark.parametrize("verb", ["LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH"])
@pytest.mark.parametrize(
    "said", [b"", b"\0\xff\r\n", b"* BYE\r\n", b"TAG BAD what\r\n", b"* 1 FETCH (BODY[] {999999999}\r\n"],
    ids=["hangs up", "babbles", "says goodbye", "refuses", "would never end"],
)  # fmt: skip
def test_a_server_that_misbehaves_is_an_error_we_know(verb: str, said: bytes) -> None:
    with mailbox(instead={verb: said}) as folder:
        folder.add(MAIL)
        with pytest.raises(PeerError):
            reader(folder.url).read(None)


def test_a_certificate_nobody_vouches_for_is_not_trusted() -> None:
    for implicit in (True, False):
        with mailbox(implicit=implicit) as folder:
            with pytest.raises(PeerError):
                reader(folder.url, context=ssl.create_default_context()).check()
            assert not [line for line in folder.said if line.startswith("LOGIN")]


def test_an_address_of_our_own_network_is_refused_unless_allowed() -> None:
    with mailbox() as folder:
        with pytest.raises(PeerError) as caught:
            reader(folder.url, allowed="").check()
        assert (caught.value.reason, folder.said) == ("address_refused", [])


def test_nobody_there() -> None:
    with pytest.raises(PeerError):
        reader(f"imaps://localhost:{free_port()}").check()


@pytest.mark.parametrize(
    "url", ["https://mail.clinic.example", "imaps://", "imaps://ana:secret@mail.clinic.example", "imaps://mail:99999999/",
            "imaps://mail.clinic.example/%0d%0aA1%20DELETE"],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(PeerError):
        Box.from_url(url, USER, PASSWORD)


def test_a_password_cannot_begin_another_command() -> None:
    with pytest.raises(PeerError):
        Box.from_url("imaps://mail.clinic.example", USER, "a\r\nA1 DELETE INBOX")
