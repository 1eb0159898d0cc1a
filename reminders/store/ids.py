"""Opaque public ids and secrets."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime

_MILLISECOND_BYTES, _RANDOM_BYTES = 6, 9  # together 15 bytes, which are 24 digits in base 32 without padding
#: Crockford's base 32, which has no i, l, o or u to misread, in place of RFC 4648's.
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")


def new_uid(prefix: str, now: datetime) -> str:
    """A public id such as ``apt_01k3…``: a kind, the millisecond (so that indexes grow at one end) and 72 random bits."""
    moment = int(now.timestamp() * 1000).to_bytes(_MILLISECOND_BYTES, "big")
    digits = base64.b32encode(moment + secrets.token_bytes(_RANDOM_BYTES)).translate(_CROCKFORD)
    return f"{prefix}_{digits.decode()}"


def new_secret() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal, for secrets that are random enough not to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
