"""Webhooks after the Standard Webhooks specification: signatures, retries, and when to stop."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain import webhook
from reminders.domain.appointment import Change
from reminders.domain.webhook import Verdict
from reminders.errors import Invalid

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = webhook.secret_of(b"x" * 32)

tries = st.integers(min_value=1, max_value=len(webhook.WAITS))
chances = st.floats(min_value=0, max_value=1, exclude_max=True)
asked = st.none() | st.floats(min_value=0, max_value=1e9)


def test_the_signature_of_the_specification() -> None:
    assert webhook.sign(SECRET, MESSAGE, 1614265330, BODY) == SIGNATURE
    assert webhook.headers([SECRET], MESSAGE, AT, BODY) == {
        "content-type": "application/json", "webhook-id": MESSAGE, "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }  # fmt: skip


def test_every_valid_secret_signs() -> None:
    both = webhook.headers([OTHER, SECRET], MESSAGE, AT, BODY)["webhook-signature"].split(" ")
    assert both == [webhook.sign(OTHER, MESSAGE, 1614265330, BODY), SIGNATURE]


@given(st.binary(max_size=80))
def test_secrets_have_24_to_64_bytes(key: bytes) -> None:
    secret = webhook.secret_of(key)
    if 24 <= len(key) <= 64:
        assert webhook.key_of(secret) == key
    else:
        with pytest.raises(Invalid):
            webhook.key_of(secret)


@pytest.mark.parametrize("secret", ["whsec_!", "", "whsec_" + b64encode(b"x" * 32).decode()[:-1]])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(Invalid):
        webhook.key_of(secret)


@pytest.mark.parametrize(("status", "verdict"), [
    (200, Verdict.DELIVERED), (204, Verdict.DELIVERED), (299, Verdict.DELIVERED), (301, Verdict.RETRY),
    (307, Verdict.RETRY), (400, Verdict.RETRY), (401, Verdict.RETRY), (404, Verdict.RETRY), (410, Verdict.GONE),
    (429, Verdict.RETRY), (500, Verdict.RETRY), (503, Verdict.RETRY), (100, Verdict.RETRY),
])  # fmt: skip
def test_what_an_answer_means(status: int, verdict: Verdict) -> None:
    assert webhook.judge(status) is verdict


@given(tries, chances, asked)
def test_waits_are_drawn_around_the_schedule_and_never_shorter_than_asked(
    count: int, chance: float, seconds: float | None
) -> None:
    wait = webhook.next_try(count, chance, seconds)
    planned = webhook.WAITS[count - 1]
    floor = min(timedelta(seconds=min(seconds or 0, 86400)), webhook.LONGEST_PAUSE)
    assert wait is not None
    assert max(planned * 0.8, floor) <= wait <= max(planned * 1.2, floor)


@given(chances, asked)
def test_after_the_last_try_it_is_given_up(chance: float, seconds: float | None) -> None:
    assert webhook.next_try(len(webhook.WAITS) + 1, chance, seconds) is None
    assert sum(webhook.WAITS, timedelta()) > timedelta(days=3)


@given(st.integers(min_value=1, max_value=10_000), chances, asked)
def test_a_receiver_rests_for_seconds_then_minutes(failures: int, chance: float, seconds: float | None) -> None:
    wait = webhook.rest(failures, chance, seconds)
    assert wait >= timedelta(seconds=min(seconds or 0, 86400))
    if seconds is None:
        assert timedelta(seconds=1) <= wait <= timedelta(minutes=5)


def test_a_receiver_is_lost_when_it_took_nothing_since() -> None:
    assert webhook.is_lost(None, AT)
    assert webhook.is_lost(AT - timedelta(seconds=1), AT)
    assert not webhook.is_lost(AT, AT)


def test_every_step_of_a_visit_has_an_event() -> None:
    kinds = {webhook.event_of(change) for change in ("book", *Change)}
    assert len(kinds) == len(Change) + 1
    assert {*kinds, webhook.VISIT_CHANGED, webhook.PATIENT_CHANGED} == set(webhook.EVENTS)
    assert webhook.event_of("zone-rules") == webhook.VISIT_CHANGED


@pytest.mark.parametrize(("event", "wanted", "told"), [
    ("appointment.booked", ["*"], True), ("appointment.booked", ["appointment.*"], True),
    ("appointment.booked", ["appointment.booked"], True), ("appointment.booked", ["patient.*"], False),
    ("appointment.booked", ["appointment.cancelled"], False), ("patient.changed", ["appointment.*"], False),
    ("webhook.test", ["patient.changed"], True), ("appointment.booked", [], False),
])  # fmt: skip
def test_who_is_told(event: str, wanted: list[str], told: bool) -> None:
    assert webhook.is_wanted(event, wanted) is told
