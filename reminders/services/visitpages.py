"""The page on which a patient confirms or cancels, reached from an e-mail that nobody reads answers to.

Looking changes nothing: mail programs open addresses to see what is behind them. A button takes the way of an answer by
text: recorded once, applied through the lifecycle, refused where a text would be refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.delivery import Channel, State
from reminders.errors import NotFound
from reminders.services.batch import visit_facts
from reminders.services.catalogue import Catalogue
from reminders.services.consequences import Consequences
from reminders.services.reply import Incoming, Reply
from reminders.store import appointments, invitations, messages, patients
from reminders.store.engine import Database, Record
from reminders.store.ids import digest, new_uid
from reminders.texts import Facts, Template, Texts

_SAID = {Change.CONFIRM: Template.ANSWER_CONFIRMED, Change.CANCEL: Template.ANSWER_CANCELLED}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page says, in the language (BCP 47) of the patient, headed by the ``title``. ``confirm``, ``cancel``: the words of its buttons;
    empty when there is nothing to answer any more."""

    title: str
    language: str
    told: str
    confirm: str = ""
    cancel: str = ""


class VisitPages:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, texts: Texts, consequences: Consequences
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts
        self._then = consequences

    def show(self, token: str) -> Shown:
        """The visit, and what can be answered; ``NotFound`` for an address that was never sent."""
        with self._database.write() as tx:
            return self._asked(tx, self._visit(tx, token))

    def missing(self, languages: Iterable[str]) -> Shown:
        """What to say at an address that was never sent, to somebody who reads these ``languages`` (BCP 47): nothing about
        any clinic."""
        page = self._texts.missing_page(languages)
        title, told = page.body.split("\n")
        return Shown(title, _tag(page.language), told)

    def answer(self, token: str, change: Change) -> Shown:
        """Confirm or cancel, and say what came of it."""
        return self._database.run(lambda tx: self._answer(tx, token, change))

    def _answer(self, tx: Connection, token: str, change: Change) -> Shown:
        visit, now = self._visit(tx, token), self._clock.now()
        if not self._is_open(visit):
            return self._asked(tx, visit)
        sid = f"page:{digest(f'{token} {visit.version} {change}')}"
        number = messages.add_once(tx, {
            "uid": new_uid("msg", now), "direction": "in", "channel": Channel.EMAIL, "kind": "reply",
            "patient_id": visit.patient_id, "appointment_id": visit.id, "phone": "", "body": _WORDS[change],
            "provider_sid": sid, "state": State.DELIVERED, "created_at": now,
        })  # fmt: skip
        if number is None:
            return self._told(tx, visit, _SAID[change])
        sender = patients.by_number(tx, visit.patient_id)
        reply = Reply(Incoming(sid, "", _WORDS[change]), number, sender, [visit], False, True, now, via=Channel.EMAIL)
        return self._told(tx, visit, self._then.change(tx, reply, [visit], change).template)

    def _visit(self, tx: Connection, token: str) -> Record:
        found = invitations.find(tx, [digest(token)])
        if found is None:
            raise NotFound("There is no visit at this address.")
        return appointments.by_number(tx, found.appointment_id)

    def _is_open(self, visit: Record) -> bool:
        return Status(visit.status) in OPEN and visit.start_at > self._clock.now()

    def _asked(self, tx: Connection, visit: Record) -> Shown:
        if visit.status == Status.CANCELLED:
            return self._told(tx, visit, Template.ANSWER_CANCELLED)
        if not self._is_open(visit):
            return self._told(tx, visit, Template.ANSWER_TOO_LATE)
        facts, wanted, default = self._facts(tx, visit)
        page = self._texts.visit_page(wanted, default, facts)
        told, confirm, cancel = page.body.split("\n")
        is_confirmed = visit.confirmation == "confirmed"
        return Shown(facts.clinic, _tag(page.language), told, "" if is_confirmed else confirm, cancel)

    def _told(self, tx: Connection, visit: Record, template: Template) -> Shown:
        facts, wanted, default = self._facts(tx, visit)
        said = self._texts.sms(template, wanted, default, facts, self._catalogue.current().texts)
        return Shown(facts.clinic, _tag(said.language), said.body)

    def _facts(self, tx: Connection, visit: Record) -> tuple[Facts, str | None, str]:
        person = patients.by_number(tx, visit.patient_id)
        place = self._catalogue.current().location_by_id[visit.location_id]
        return visit_facts(place, person.name, person.time_zone, visit.start_at), person.language, place.locale


_WORDS = {Change.CONFIRM: "Confirmed on the page of the visit", Change.CANCEL: "Cancelled on the page of the visit"}


def _tag(language: str) -> str:
    return language.replace("_", "-")
