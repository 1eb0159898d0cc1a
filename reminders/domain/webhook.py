"""Webhooks that we send, after the Standard Webhooks specification (github.com/standard-webhooks): signatures, what an
answer means, when to try again, when to stop."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from reminders.domain.appointment import Change
from reminders.errors import Invalid

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
#: Bytes of a secret; the specification asks for 24 to 64.
SECRET_BYTES = 32
_SHORTEST, _LONGEST = 24, 64
#: Waits before the second try and those after it, as the specification proposes: ten tries over three days.
WAITS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
#: By how much a wait is drawn longer or shorter, so that what failed together is not tried again together.
JITTER = 0.2
#: A receiver that asks for a longer pause is asked again after this one.
LONGEST_PAUSE = timedelta(hours=24)
_LONGEST_REST = timedelta(minutes=5)
#: How long the old secret still signs beside the new one.
OVERLAP = timedelta(hours=24)

TEST = "webhook.test"
PATIENT_CHANGED = "patient.changed"
VISIT_CHANGED = "appointment.changed"
#: What happened to a visit, as the outbox names it, and what receivers are told; the rest is ``VISIT_CHANGED``.
_OF_VISITS: Mapping[str, str] = {
    "book": "appointment.booked", Change.CONFIRM: "appointment.confirmed",
    Change.CANCEL: "appointment.cancelled", Change.RESCHEDULE: "appointment.rescheduled",
    Change.ARRIVE: "appointment.arrived", Change.FULFIL: "appointment.fulfilled", Change.NOSHOW: "appointment.noshow",
}  # fmt: skip
#: Everything that can be asked for.
EVENTS = (*_OF_VISITS.values(), VISIT_CHANGED, PATIENT_CHANGED)
ALL = "*"


class Verdict(StrEnum):
    """What an answer to a delivery means."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GONE = "gone"  # 410: nobody wants them there any more


def event_of(change: str) -> str:
    """The type of the event for something that happened to a visit."""
    return _OF_VISITS.get(change, VISIT_CHANGED)


def is_wanted(event: str, wanted: Sequence[str]) -> bool:
    """Whether somebody who asked for ``wanted`` is told of ``event``. ``*`` stands for everything, ``appointment.*`` for
    everything about visits; a test always arrives."""
    return event == TEST or any(
        one in (ALL, event) or (one.endswith(".*") and event.startswith(one[:-1])) for one in wanted
    )


def key_of(secret: str) -> bytes:
    """The bytes behind ``whsec_…``; ``Invalid`` when there are fewer or more than the specification allows."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Invalid("A webhook secret is whsec_ and base64.", field="secret") from problem
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise Invalid(f"A webhook secret has {_SHORTEST} to {_LONGEST} bytes.", field="secret")
    return key


def secret_of(key: bytes) -> str:
    return PREFIX + b64encode(key).decode("ascii")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature: ``v1,`` and the HMAC-SHA256 over id, seconds since 1970 and the raw body, joined by dots."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode("ascii")


def headers(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a delivery, signed with every secret that is valid now: the receiver accepts any."""
    timestamp = int(at.timestamp())
    signatures = " ".join(sign(secret, message_id, timestamp, body) for secret in secrets)
    return {
        "content-type": "application/json", ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures,
    }  # fmt: skip


def judge(status: int) -> Verdict:
    """What an HTTP status says. Redirects are not followed, so they count as failures."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.GONE if status == 410 else Verdict.RETRY


def next_try(tries: int, chance: float, asked: float | None) -> timedelta | None:
    """How long to wait after ``tries`` failed tries (1 or more), or ``None`` to give up. ``chance`` in [0, 1) draws the
    jitter; never sooner than the receiver ``asked``, in seconds."""
    if tries > len(WAITS):
        return None
    wait = WAITS[tries - 1] * (1 - JITTER + 2 * JITTER * chance)
    return max(wait, _asked(asked))


def rest(failures: int, chance: float, asked: float | None) -> timedelta:
    """How long a receiver is left alone altogether after ``failures`` in a row: seconds at first, minutes when it is
    down, so that a long queue does not hammer at it."""
    wait = min(_LONGEST_REST, timedelta(seconds=2 ** min(failures, 10)))
    return max(wait * (1 - JITTER * chance), _asked(asked))


def is_lost(last_ok: datetime | None, since: datetime) -> bool:
    """Whether a receiver that let a delivery expire is to be taken for dead: nothing was accepted since the event. Else it
    is this one message that it cannot take."""
    return last_ok is None or last_ok < since


def _asked(seconds: float | None) -> timedelta:
    return min(LONGEST_PAUSE, timedelta(seconds=min(seconds or 0, LONGEST_PAUSE.total_seconds())))
