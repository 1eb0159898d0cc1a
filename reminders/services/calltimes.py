"""Free times that are offered while a call goes on: the same question as by text, which holds them until it is answered.

Who hangs up without an answer still wants another time: the desk is told, and the times are given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from reminders.domain.actor import patient
from reminders.domain.appointment import Change
from reminders.domain.choosing import NOTHING, Chosen, choose
from reminders.domain.delivery import Channel
from reminders.domain.dialogue import Kind
from reminders.domain.lexicon import Lexicon, Role
from reminders.errors import SlotTaken
from reminders.services.callline import ANOTHER_TIME, Line, tell_desk
from reminders.services.continuing import times_on_offer
from reminders.services.dialogues import Dialogues, source
from reminders.services.lifecycle import Lifecycle
from reminders.services.reply import Incoming, Reply
from reminders.store import holds, questions
from reminders.store.engine import Record, attempt


class CallTimes:
    """Works within a transaction that the caller opened."""

    def __init__(self, lifecycle: Lifecycle, dialogues: Dialogues) -> None:
        self._lifecycle = lifecycle
        self._dialogues = dialogues

    def offer(self, line: Line, days: frozenset[Role] = frozenset()) -> Sequence[datetime]:
        """Free times near the old one, on the ``days`` that were named if any, held for this call; none when there is
        nothing to offer."""
        asked = self._dialogues.times(line.tx, _reply(line), line.visit, days)
        return [start for _, start in asked.choices] if asked else []

    def chosen(self, line: Line, *words: Lexicon) -> Chosen:
        """What was said to the times that this call has offered last."""
        question = _asked(line.tx, line.call)
        if question is None:
            return NOTHING
        return choose(line.heard.speech, times_on_offer(question, line.place.zone, line.now), *words)

    def on_offer(self, line: Line) -> Sequence[datetime]:
        """The times that this call has offered and that wait for an answer."""
        question = _asked(line.tx, line.call)
        waits = question is not None and question.closed_at is None and question.expires_at > line.now
        return _starts(question) if question is not None and waits else []

    def was_chosen(self, line: Line, place: int) -> bool:
        """Whether the visit was moved to this time already: the provider may ask twice."""
        question = _asked(line.tx, line.call)
        starts = _starts(question) if question is not None and question.closed_at is not None else []
        return line.visit.start_at in starts[place : place + 1]

    def move(self, line: Line, start: datetime) -> bool:
        """Move the visit; False when the time is gone after all. ``IllegalTransition`` when the visit is over."""
        self._dialogues.close(line.tx, _reply(line), lingers=True)
        try:
            with attempt(line.tx):
                self._lifecycle.change(line.tx, line.visit.uid, Change.RESCHEDULE, patient(Channel.VOICE), start=start)
        except SlotTaken:
            return False
        return True

    def close(self, line: Line) -> None:
        """Nothing is on offer any more."""
        self._dialogues.close(line.tx, _reply(line))


def hung_up(tx: Connection, call: Record, now: datetime) -> None:
    """The call is over: what it held is given back, and a wish that was left open is for the desk."""
    waiting = questions.close(tx, call.phone, Channel.VOICE, now)
    for uid in waiting:
        holds.release(tx, source(uid))
    if waiting and call.appointment_id is not None:
        tell_desk(tx, call, ANOTHER_TIME, now)


def _asked(tx: Connection, call: Record) -> Record | None:
    question = questions.latest(tx, call.phone, Channel.VOICE, call.created_at)
    return question if question is not None and question.kind == Kind.TIMES else None


def _starts(question: Record) -> Sequence[datetime]:
    return [datetime.fromisoformat(start) for start in question.facts["starts"]]


def _reply(line: Line) -> Reply:
    """What was heard, as an answer about the one visit of this call."""
    heard = line.heard
    return Reply(
        Incoming(heard.sid, line.call.phone, heard.key or heard.speech), line.call.id, None, [line.visit], together=False,
        was_asked=True, now=line.now, via=Channel.VOICE,
    )  # fmt: skip
