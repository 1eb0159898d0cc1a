"""Which numbers exist, and how the phone behind a number behaves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reminders.sandbox.records import CallStatus

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """``sms_error`` is the delivery error of every text (None: it arrives), ``answer`` what becomes of a ringing call,
    ``answered_by`` what machine detection hears when it is taken."""

    label: str
    sms_error: int | None = None
    answer: CallStatus = CallStatus.IN_PROGRESS
    answered_by: str = "human"


BEHAVIOURS: dict[str, Behaviour] = {
    "reachable": Behaviour("answers and gets every text"),
    "switched-off": Behaviour("switched off", 30003, CallStatus.NO_ANSWER),
    "unknown": Behaviour("a number that is no longer in use", 30005, CallStatus.FAILED),
    "landline": Behaviour("a landline: calls only", 30006),
    "overloaded": Behaviour("texts fail before they leave Twilio", 30001),
    "busy": Behaviour("engaged", None, CallStatus.BUSY),
    "ignoring": Behaviour("rings and nobody answers", None, CallStatus.NO_ANSWER),
    "voicemail": Behaviour("an answering machine takes calls", answered_by="machine_end_beep"),
    "fax": Behaviour("a fax takes calls", 30006, answered_by="fax"),
    "barred": Behaviour("calls cannot be put through", None, CallStatus.FAILED),
}

# The last four digits decide, so that the ranges reserved for fiction (+1 NXX 555 01xx, +44 7700 900xxx, +33 6 39 98
# xx xx) have such phones too without anything being set up.
BY_ENDING: dict[str, str] = {
    "0191": "overloaded",
    "0193": "switched-off",
    "0192": "fax",
    "0194": "voicemail",
    "0195": "unknown",
    "0196": "landline",
    "0197": "busy",
    "0198": "ignoring",
    "0199": "barred",
}

# Twilio's own test numbers (https://www.twilio.com/docs/iam/test-credentials): the request itself is refused.
REFUSED_TEXTS: dict[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
REFUSED_CALLS: dict[str, int] = {
    "+15005550001": 21211,
    "+15005550002": 21214,
    "+15005550003": 21215,
    "+15005550004": 21216,
}


def is_e164(number: str) -> bool:
    """Whether ``number`` is written as ITU-T E.164 asks: a plus, no leading zero, 7 to 15 digits."""
    return _E164.fullmatch(number) is not None


def usual_behaviour(number: str) -> str:
    """Name of the behaviour that the last digits of ``number`` stand for."""
    return BY_ENDING.get(number[-4:], "reachable")
