"""An incoming text on its way through, and what is said back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.store.engine import Record
from reminders.texts import Template


@dataclass(frozen=True, slots=True)
class Incoming:
    """An SMS as it arrived. ``opt_out`` is what the provider itself made of it: STOP, START, HELP or nothing."""

    sid: str
    phone: str
    body: str
    opt_out: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An incoming message on its way through: who sent it, which visits it can be about, and the numbered question it may
    answer. ``together``: one message named all the visits and asked for one answer to them all. ``ahead``: the visits of
    this phone, when it was asked about none of them. ``via``: the channel, as history names it."""

    incoming: Incoming
    message_id: int
    sender: Record | None
    visits: Sequence[Record]
    together: bool
    was_asked: bool
    now: datetime
    question: Record | None = None
    ahead: Sequence[Record] = ()
    via: str = "sms"

    @property
    def phone(self) -> str:
        return self.incoming.phone

    @property
    def visit(self) -> Record | None:
        """The one visit it is about, if that is beyond doubt."""
        return self.visits[0] if len(self.visits) == 1 else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say back: the one visit it tells of, or the choices it offers, numbered from 1: a name, if it is needed to
    tell them apart, and a time. ``change``: what choosing means; ``every``: the number after the last stands for all."""

    template: Template
    visit: Record | None = None
    choices: tuple[tuple[str, datetime], ...] = ()
    change: str = ""
    every: bool = False
