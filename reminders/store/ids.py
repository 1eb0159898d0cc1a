"""Opaque public ids and secrets."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_RANDOM_BITS = 56


def new_uid(prefix: str, now: datetime) -> str:
    """A public id such as ``apt_01k3…``: a kind, the millisecond (so that indexes grow at one end) and 56 random bits."""
    number = int(now.timestamp() * 1000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    digits = []
    while number:
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def new_secret() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal, for secrets that are random enough not to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
