"""Where a measured figure comes from, in the reader's language. The notes are those of ``services/answering.py``, which
are stored with an assessment and know no languages; a test holds the two together."""

from __future__ import annotations

import re

from reminders.web.manage.words import N_, _

#: Notes as they are stored, with names for what differs.
NOTES = (
    N_("%(count)s visits from %(first)s to %(last)s"),
    N_("value of the services, %(count)s visits from %(first)s to %(last)s"),
    N_("%(count)s changes by patients, visits from %(first)s to %(last)s"),
    N_("%(count)s messages, visits from %(first)s to %(last)s"),
    N_("%(count)s slots missed, visits from %(first)s to %(last)s"),
    N_("adjusted comparison, visits from %(first)s to %(last)s"),
    N_("experiment, visits from %(first)s to %(last)s"),
)
_PATTERNS = [(note, re.compile(re.sub(r"%\((\w+)\)s", r"(?P<\1>[\\d-]+)", note))) for note in NOTES]


def said(source: str) -> str:
    """The note of a measured figure; what a person wrote about one of their own stays as it is."""
    found = read(source)
    return source if found is None else _(found[0], **found[1])


def read(source: str) -> tuple[str, dict[str, str]] | None:
    """Which of ``NOTES`` this is, and what differs; ``None`` for any other text."""
    for note, pattern in _PATTERNS:
        if found := pattern.fullmatch(source):
            return note, found.groupdict()
    return None
