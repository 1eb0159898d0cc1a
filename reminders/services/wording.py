"""The clinic's own texts: looking at them, what they would cost, saving, going back, trying one on a phone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.clinic import Location
from reminders.domain.cost import rate_card
from reminders.domain.delivery import Channel, State
from reminders.domain.estimate import Estimate, Sample, Suggestion, estimate, suggest
from reminders.domain.folding import join, tokens
from reminders.domain.lexicon import Role
from reminders.domain.sms import is_gsm
from reminders.domain.wording import (
    BY_CHANNEL,
    FACTS,
    HEADS,
    OPT_OUT_WANTED,
    Key,
    OwnText,
    exists,
    fingerprint,
    wants_opt_out,
)
from reminders.errors import Invalid, NotFound, Stale
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.phones import calling_code, e164
from reminders.store import messages, outbox
from reminders.store import wording as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret, new_uid
from reminders.texts import SOURCE, Facts, Template, Texts, problems
from reminders.texts.lexicons import Lexicons

#: A month of messages, counted back from now.
_MONTH = timedelta(days=30)
#: Names that the length of a text is measured with.
_SAMPLE = 200
#: What is asked of the outbox: send a text to a phone of the staff.
TRY_OUT = "text.try"
#: Whose name stands in an example.
_SOMEBODY = "Maria Lopez"


class TextRefused(Invalid):
    """The text would tell what it may not, or lacks what it must have; ``reasons`` lists each with a code."""

    code = "text_refused"
    sentence = "This text was not saved."


@dataclass(frozen=True, slots=True)
class Shown:
    """One text as it is now. ``version`` 0 is the product's own; ``stale``: what it was made from has changed."""

    key: Key
    version: int
    body: str
    standard: str
    stale: bool
    facts: tuple[str, ...]
    updated_at: datetime | None
    updated_by: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """What a text would mean: why it is refused, what to think of, what it costs and how it could cost less."""

    reasons: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]
    example: str
    estimate: Estimate | None
    suggestion: Suggestion | None


class Wording:
    """One public method = one transaction. Nothing of a text is ever overwritten: each change is a new version."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, texts: Texts,
        lexicons: Lexicons,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts
        self._lexicons = lexicons

    def languages(self) -> list[str]:
        return self._texts.languages()

    def house_language(self) -> str:
        """The language of the clinic's first venue, in which its own texts are written first."""
        place = self._first_place()
        return self._texts.negotiate(place.locale, None)[0] if place else SOURCE

    def listing(self, channel: str | None = None, language: str | None = None) -> list[Shown]:
        """Every text there is, of one channel or language if asked for."""
        snapshot = self._catalogue.current()
        return [
            self._shown(snapshot, Key(one, template, spoken))
            for one, templates in BY_CHANNEL.items() if channel in (None, one)
            for spoken in self.languages() if language in (None, spoken)
            for template in templates
        ]  # fmt: skip

    def get(self, key: Key) -> Shown:
        """One text; ``NotFound`` when there is none such."""
        return self._shown(self._catalogue.current(), self._known(key))

    def versions(self, key: Key) -> Sequence[Record]:
        """Its versions, newest first; one without a body went back to the product's text."""
        with self._database.read() as tx:
            return store.versions(tx, self._known(key))

    def check(self, key: Key, body: str) -> Check:
        """What ``body`` would mean in this place; nothing is saved."""
        body = _tidy(body)
        with self._database.read() as tx:
            return self._check(tx, self._known(key), body)

    def save(self, key: Key, body: str, actor: Actor, version: int | None = None) -> tuple[Shown, Check]:
        """Put the clinic's text in force. ``version`` is the one the editor began with; ``Stale`` when there is a newer
        one, ``TextRefused`` with all reasons when the text cannot be used."""
        body = _tidy(body)
        with self._database.read() as tx:
            check = self._check(tx, self._known(key), body)
        if check.reasons:
            sentences = " ".join(sentence for _, sentence in check.reasons)
            raise TextRefused(sentences, reasons=[{"code": code, "message": said} for code, said in check.reasons])
        self._add(key, body, actor, version)
        return self.get(key), check

    def restore(self, key: Key, actor: Actor, version: int | None = None) -> Shown:
        """Go back to the product's text."""
        if self._known(key) in self._catalogue.current().texts:
            self._add(key, None, actor, version)
        return self.get(key)

    def try_out(self, key: Key, phone: str, body: str | None = None) -> str:
        """Send a text, or ``body`` before it is saved, with made-up facts to a phone of the staff: now, once. Returns the
        public id of the message."""
        if self._known(key).channel != Channel.SMS:
            raise Invalid("Only a text message can be tried on a phone.", field="channel")
        place = self._place()
        number, now = e164(phone, place.country), self._clock.now()
        said = self._example(key, _tidy(body) if body else self.get(key).body)
        uid = new_uid("msg", now)
        with self._database.write() as tx:
            messages.add(tx, {
                "uid": uid, "direction": "out", "channel": key.channel, "kind": "test", "phone": number, "body": said,
                "language": key.language, "token": new_secret(), "state": State.UNCERTAIN, "template": key.template,
                "created_at": now, "checks": 0,
            })  # fmt: skip
            outbox.add(tx, TRY_OUT, uid, {}, now)
        return uid

    def _add(self, key: Key, body: str | None, actor: Actor, version: int | None) -> None:
        now, source = self._clock.now(), fingerprint(self._source(self._catalogue.current(), key))
        values = {"body": body, "source": source, "created_at": now, "created_by": actor.name}
        try:
            with self._database.write() as tx:
                rows = store.versions(tx, key)
                newest = rows[0].version if rows else 0
                if version is not None and version != (newest if rows and rows[0].body is not None else 0):
                    raise Stale()
                store.add(tx, key, values | {"version": newest + 1})
        except IntegrityError:
            raise Stale() from None  # two saved at the same moment
        self._catalogue.refresh()

    def _known(self, key: Key) -> Key:
        if not exists(key, self.languages()):
            raise NotFound("There is no such text.")
        return key

    def _shown(self, snapshot: Snapshot, key: Key) -> Shown:
        own, standard = snapshot.texts.get(key), self._texts.standard(key)
        facts = tuple(sorted(FACTS[key.template]))
        if own is None:
            return Shown(key, 0, standard, standard, False, facts, None, None)
        stale = own.source != fingerprint(self._source(snapshot, key))
        return Shown(key, own.version, own.body, standard, stale, facts, own.created_at, own.created_by)

    def _source(self, snapshot: Snapshot, key: Key) -> str:
        """What a text is a translation of: the clinic's own in the language of its first venue, else the product's
        English. A text in that language itself is made from the product's."""
        house = self.house_language()
        own = snapshot.texts.get(key._replace(language=house)) if house != key.language else None
        return own.body if own else self._texts.standard(key._replace(language=SOURCE))

    def _check(self, tx: Connection, key: Key, body: str) -> Check:
        reasons = problems(key, body)
        reasons += [] if any(code == "syntax" for code, _ in reasons) else self._opt_out(key, body)
        if reasons:
            return Check(tuple(reasons), (), "", None, None)
        sample = self._sample(tx, key)
        now = estimate(key.channel, partial(self._example, key, body), sample)
        cheaper = suggest(body, lambda text: partial(self._example, key, text), sample, now)
        return Check((), tuple(self._warnings(key, body)), self._example(key, body), now, cheaper)

    def _opt_out(self, key: Key, body: str) -> list[tuple[str, str]]:
        countries = frozenset(place.country for place in self._catalogue.current().location_by_id.values())
        country = wants_opt_out(key, countries)
        if country is None or self._says_stop(key.language, body):
            return []
        why = OPT_OUT_WANTED[country]
        return [("no_opt_out", f"A text like this has to say how to stop it in {country} ({why}): for example STOP.")]

    def _says_stop(self, language: str, body: str) -> bool:
        words = {"stop"} | self._lexicons.of(language).words(Role.STOP)
        folded = f" {join(tokens(body))} "
        return any(f" {word} " in folded for word in words)

    def _warnings(self, key: Key, body: str) -> list[tuple[str, str]]:
        found = []
        shown = self._shown(self._catalogue.current(), key)
        if shown.stale and shown.body == body:
            found.append(("stale", "The text this one was made from has changed since."))
        if key.channel == Channel.SMS and re.search(r"\bCANCEL\b", body):
            found.append(("offers_cancel", "Carriers read the answer CANCEL as STOP; offer a digit instead."))
        odd = {char for char in self._example(key, body) if not is_gsm(char)} if key.channel == Channel.SMS else set()
        if odd and is_gsm(body):
            said = " ".join(sorted(odd))
            found.append(("costly_facts", f"The text is cheap, but its facts bring {said}, which double its price."))
        if key.template in {"reminder", "moved", "answer_sure"} and key.channel == Channel.SMS and "1" not in body:
            found.append(("no_answer", "Nothing says how to answer: 1 confirms, 2 cancels, 3 asks for another time."))
        return found

    def _sample(self, tx: Connection, key: Key) -> Sample:
        since = self._clock.now() - _MONTH
        counted = key.template != "desk"  # every note is another text
        people = store.recipients(tx, key, since, _SAMPLE) if counted else []
        place = self._first_place()
        return Sample(
            people=[(row.name, row.phone) for row in people], here=calling_code(place.country if place else "US"),
            monthly=store.volume(tx, key, since) if counted else None, card=rate_card(self._clock.now().date()),
        )  # fmt: skip

    def _example(self, key: Key, body: str, name: str = "") -> str:
        """The text with made-up facts, as it would arrive."""
        place, soon = self._first_place(), self._clock.now() + timedelta(days=3)
        person = name or _SOMEBODY
        facts = Facts(
            clinic=place.name if place else "Clinic", clinic_phone=place.phone if place else None, patient=person,
            start=soon, venue_zone=place.zone.key if place else "UTC", text="…",
            others=((person, soon + timedelta(days=1)),) if key.template == "several" else (),
            choices=tuple(("", soon + timedelta(days=day)) for day in (1, 2, 3)) if key.template in HEADS else (),
        )  # fmt: skip
        own = {key: OwnText(key, 1, body, "", soon, "")}
        default = place.locale if place else None
        if key.channel == Channel.VOICE:
            return self._texts.sentence(key, default, facts, own)
        if key.channel == Channel.EMAIL:
            letter = self._texts.email(Template(key.template), key.language, default, facts, own)
            return f"{letter.subject}\n\n{letter.body}"
        return self._texts.sms(Template(key.template), key.language, default, facts, own).body

    def _first_place(self) -> Location | None:
        return next(iter(self._catalogue.current().location_by_id.values()), None)

    def _place(self) -> Location:
        place = self._first_place()
        if place is None:
            raise Invalid("There is no location yet that could speak.")
        return place


def _tidy(body: str) -> str:
    """Line breaks as one kind, no blanks at the ends of lines."""
    return "\n".join(line.rstrip() for line in body.splitlines()).strip()
