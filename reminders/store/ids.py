"""Opaque public ids and secrets."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

_RANDOM_BYTES = 9  # with the 6 bytes of a millisecond 120 bits, which are 24 digits in base 32
#: Crockford's base 32, which has no i, l, o or u to misread; two digits at a time.
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)
_PLACES = tuple(range(110, -1, -10))


def new_uid(prefix: str, now: datetime) -> str:
    """A public id such as ``apt_01k3…``: a kind, the millisecond (so that indexes grow at one end) and 72 random bits."""
    number = int(now.timestamp() * 1000) << (8 * _RANDOM_BYTES) | int.from_bytes(
        secrets.token_bytes(_RANDOM_BYTES), "big"
    )
    return f"{prefix}_{''.join([_PAIRS[number >> place & 1023] for place in _PLACES])}"


def new_secret() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal, for secrets that are random enough not to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
