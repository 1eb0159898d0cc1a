"""The emulated account: its credentials, its number and how fast its world moves."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """``latency`` passes between one status and the next. ``patience`` is how long a keypad question waits at least.

    A person at a web page is slower than a thumb on a phone: without patience, TwiML's five seconds would be over before
    the page had been read.
    """

    sid: str
    auth_token: str = field(repr=False)
    number: str
    inbound_url: str
    latency: timedelta
    patience: timedelta
    automatic_replies: bool
    created_at: datetime


def new_sid(prefix: str) -> str:
    """A new Twilio id: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def is_messaging_service(sid: str) -> bool:
    return _MESSAGING_SERVICE.fullmatch(sid) is not None
