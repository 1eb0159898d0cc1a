"""A mailbox that answers to invitations come into: read, never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reminders.domain.ports import MailReader
from reminders.services.attending import Heard
from reminders.services.sync.parts import Tally
from reminders.store.engine import Record

_CURSOR = "mail"
#: What counts as taken over.
_TAKEN = frozenset({Heard.CONFIRMED, Heard.CANCELLED, Heard.NOTED, Heard.DESK})


class MailboxSource:
    """One mailbox as a ``Source``. Reading a mail twice does nothing, so the cursor is kept after the mails."""

    def __init__(self, reader: MailReader, receive: Callable[[bytes], Heard]) -> None:
        self._reader, self._receive = reader, receive

    def check(self) -> str:
        return self._reader.check()

    def refresh(self, connection: Record, *, full: bool) -> tuple[Tally, Mapping[str, Any]]:  # noqa: ARG002
        """Read what is new; ``full`` makes no difference, since what was read is done with."""
        mails = self._reader.read(connection.cursors.get(_CURSOR))
        heard = [self._receive(body) for body in mails.bodies]
        taken = sum(one in _TAKEN for one in heard)
        return Tally(seen=mails.seen, pulled=taken), {_CURSOR: mails.cursor}
