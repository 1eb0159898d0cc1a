"""Sends a text to a phone of the staff, so that somebody sees it before patients do."""

from __future__ import annotations

from reminders.domain.delivery import State
from reminders.domain.ports import Messenger
from reminders.errors import GatewayError
from reminders.store import messages
from reminders.store.engine import Database, Record


class Trying:
    """Handles ``text.try`` of the outbox. A message that may have left is not sent again."""

    def __init__(self, database: Database, messenger: Messenger) -> None:
        self._database = database
        self._messenger = messenger

    def send(self, row: Record) -> None:
        """Send the message whose public id is the row's key; what comes of it is written at the message."""
        with self._database.read() as tx:
            message = messages.by_uid(tx, row.key)
        if message is None or message.state != State.UNCERTAIN or message.provider_sid or row.attempts > 1:
            return
        try:
            report = self._messenger.send_sms(message.phone, message.body, message.token)
        except GatewayError as problem:
            if not problem.sent_unknown:
                with self._database.write() as tx:
                    messages.settle(tx, message.id, State.FAILED, error_code=problem.provider_code)
            return
        with self._database.write() as tx:
            messages.settle(
                tx, message.id, State.SENT, provider_sid=report.sid or None, segments=report.segments,
                sent_at=report.created_at,
            )  # fmt: skip
