"""Says something back to a text: in words, with what it costs, and not endlessly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from reminders.domain.clinic import Location
from reminders.domain.cost import rate_card
from reminders.domain.delivery import Channel, State
from reminders.domain.sms import segments
from reminders.services.batch import visit_facts
from reminders.services.catalogue import Catalogue
from reminders.services.reply import Answer, Reply
from reminders.store import consents, messages
from reminders.store.ids import new_uid
from reminders.texts import Rendered, Template, Texts

#: Answers to one phone within a day; beyond that two machines are talking to each other.
_ANSWERS_PER_DAY = 10

_EVEN_AFTER_STOP = frozenset({Template.ANSWER_HELP, Template.ANSWER_START})


class Answers:
    """Works within a transaction that the caller opened."""

    def __init__(self, catalogue: Catalogue, texts: Texts) -> None:
        self._catalogue = catalogue
        self._texts = texts

    def say(self, tx: Connection, reply: Reply, answer: Answer) -> str | None:
        """Write the answer down and return its words; ``None`` for silence."""
        location = self.venue(reply, answer)
        if location is None or self._is_silenced(tx, reply, answer.template):
            return None
        rendered = self._words(reply, answer, location)
        units = segments(rendered.body).count
        price = rate_card(reply.now.date()).price(Channel.SMS, reply.phone, units)
        values = {
            "uid": new_uid("msg", reply.now), "direction": "out", "channel": Channel.SMS, "kind": "answer",
            "appointment_id": answer.visit.id if answer.visit else None,
            "patient_id": reply.sender.id if reply.sender else None, "phone": reply.phone,
            "body": rendered.body, "language": rendered.language,
            "wanted_language": self._wanted(reply, location) if rendered.fallback else None, "state": State.SENT, "segments": units,
            "template": answer.template, "text_version": rendered.version,
            "estimated": price.amount, "estimated_currency": price.currency, "created_at": reply.now,
            "sent_at": reply.now,
        }  # fmt: skip
        messages.add(tx, values)
        return rendered.body

    def _wanted(self, reply: Reply, location: Location) -> str:
        """The language that was asked for."""
        return (reply.sender.language if reply.sender else None) or location.locale

    def language(self, reply: Reply) -> str:
        """The catalogue for whoever sent it."""
        wanted, place = reply.sender.language if reply.sender else None, self.venue(reply)
        return self._texts.negotiate(wanted, place.locale if place else None)[0]

    def venue(self, reply: Reply, answer: Answer | None = None) -> Location | None:
        """Who answers: the visit's venue, else that of the sender's latest visit, else the clinic's first; nobody before
        there is one."""
        places = self._catalogue.current().location_by_id
        visit = answer.visit if answer and answer.visit else next(iter(reply.visits), None)
        home = visit.location_id if visit else getattr(reply.sender, "home_location_id", None)
        return places[home] if home else next(iter(places.values()), None)

    def _is_silenced(self, tx: Connection, reply: Reply, template: Template) -> bool:
        """Nobody is answered endlessly, and who said stop only about stop and start."""
        stops = consents.in_force(tx, [reply.phone])
        if consents.blocks(stops, reply.phone, Channel.SMS) and template not in _EVEN_AFTER_STOP:
            return True
        return messages.answers_since(tx, reply.phone, reply.now - timedelta(days=1)) >= _ANSWERS_PER_DAY

    def _words(self, reply: Reply, answer: Answer, location: Location) -> Rendered:
        visit = answer.visit
        name = visit.patient_name if visit else (reply.sender.name if reply.sender else "")
        facts = visit_facts(location, name, visit.patient_zone if visit else None, visit.start_at if visit else None)
        facts = replace(facts, choices=answer.choices, change=answer.change, every=answer.every)
        own, language = self._catalogue.current().texts, reply.sender.language if reply.sender else None
        return self._texts.sms(answer.template, language, location.locale, facts, own)
