"""The address of the page on which a patient answers about one visit.

It is signed with the installation's key, so that nobody can make one, and its token is the secret: who knows it was sent
the mail. The page stops taking answers when the visit begins.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

#: Bits of a token, and its length in base 32.
_TOKEN_BYTES, TOKEN_LETTERS = 16, 26


@dataclass(frozen=True, slots=True)
class VisitLinks:
    """``base`` is where patients reach this installation, without a slash at its end."""

    base: str
    key: str = field(repr=False)

    def token(self, uid: str) -> str:
        """The secret of one visit's page: the same in each of its mails."""
        made = hmac.digest(self.key.encode(), f"visit page:{uid}".encode(), hashlib.sha256)[:_TOKEN_BYTES]
        return base64.b32encode(made).decode("ascii").rstrip("=").lower()

    def of(self, token: str) -> str:
        return f"{self.base}/visit/{token}"
