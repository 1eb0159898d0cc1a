"""People of the clinic who sign in with a name and a password: what a password must be, how long a session lasts."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

#: A session ends this long after signing in, and this long after the last page.
SESSION_LIFE = timedelta(hours=12)
IDLE_LIFE = timedelta(hours=1)
#: A token in use is replaced after this time. Pages that were asked for at the same moment still carry the former one.
ROTATE_AFTER = timedelta(minutes=10)
FORMER_LIFE = timedelta(minutes=1)
#: So many wrong passwords within this time, and the name, or the address they come from, has to wait.
TRY_WINDOW = timedelta(minutes=15)
MOST_TRIES_PER_NAME = 10
MOST_TRIES_PER_ADDRESS = 100

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
_FEWEST_LETTERS = 5
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")


def login_name(text: str) -> str | None:
    """The name as it is kept: small letters, digits and ``._@+-``, 2 to 64 of them; ``None`` for anything else."""
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    return name if _NAME.fullmatch(name) else None


def canonical(password: str) -> str:
    """The same characters whichever keyboard they come from (NIST SP 800-63B-4, 3.1.1.2: Unicode normalization)."""
    return unicodedata.normalize("NFKC", password)


def weakness(password: str, name: str) -> str | None:
    """Why a password will not do: ``short``, ``long``, ``name`` or ``monotonous``; ``None`` for one that will.

    Length counts and nothing has to be mixed in (NIST SP 800-63B-4, 3.1.1.2); what is refused is what is guessed first.
    """
    text = canonical(password)
    if len(text) < SHORTEST_PASSWORD:
        return "short"
    if len(text) > LONGEST_PASSWORD:
        return "long"
    if name in text.casefold():
        return "name"
    return "monotonous" if len(set(text)) < _FEWEST_LETTERS else None


def is_over(created_at: datetime, rotated_at: datetime, now: datetime) -> bool:
    """True once a session has lasted long enough, or nobody has used it for too long. ``rotated_at`` is at most
    ``ROTATE_AFTER`` older than the last use."""
    return now >= created_at + SESSION_LIFE or now >= rotated_at + IDLE_LIFE


def is_due(rotated_at: datetime, now: datetime) -> bool:
    """True when the token has to be replaced."""
    return now >= rotated_at + ROTATE_AFTER
