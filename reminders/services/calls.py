"""What is said on a reminder call, and what the keys pressed and the words said mean."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import patient
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.availability import is_open
from reminders.domain.call import MACHINES, MOST_TRIES, AnsweredBy, Choice, Outcome, Step, by_key, by_words
from reminders.domain.clinic import Location
from reminders.domain.delivery import Channel, State
from reminders.domain.reply import ALL, UNCLEAR, Intent, Reading, about, read
from reminders.domain.reply import choice as chosen
from reminders.errors import IllegalTransition, NotFound
from reminders.services.batch import visit_facts
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, consents, inbox, messages
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.texts import Sorry, Spoken, Texts
from reminders.texts.lexicons import Lexicons

_DOCUMENTS: dict[Step, Spoken] = {Step.WHO: "who", Step.VISIT: "reminder", Step.SURE: "sure"}
_CONNECTED = frozenset({"completed", "answered"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What the provider tells when it asks how a call goes on. ``path`` is the address it asked, without its query;
    ``step`` what was asked there and ``tries`` how often in vain; ``dialled`` how putting through ended."""

    sid: str
    path: str
    key: str = ""
    speech: str = ""
    step: Step = Step.VISIT
    tries: int = 0
    answered_by: AnsweredBy | None = None
    dialled: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """One call in the middle of its transaction."""

    tx: Connection
    call: Record
    visit: Record
    place: Location
    heard: Heard

    def end(self, outcome: Outcome) -> None:
        messages.learn(self.tx, self.call.id, outcome=outcome)


class Calls:
    """Answers the provider's questions about one call, known by the token in its address. One public method = one
    transaction; both return TwiML and raise ``NotFound`` for a call that is not ours."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, texts: Texts,
        lexicons: Lexicons,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._texts = texts
        self._lexicons = lexicons

    def script(self, token: str, heard: Heard) -> str:
        """The call was taken: ask a person who they are; leave a machine a message that tells nothing."""
        with self._database.write() as tx:
            line = self._line(tx, token, heard)
            messages.learn(tx, line.call.id, answered_by=heard.answered_by)
            if heard.answered_by in MACHINES:
                line.end(Outcome.VOICEMAIL)
                return self._say(line, "voicemail")
            return self._ask(line, Step.WHO) if self._is_open(line.visit) else self._over(line)

    def answered(self, token: str, heard: Heard) -> str:
        """Go on after a key, after words, or after the desk was dialled."""
        return self._lexicons.with_words(lambda: self._answered(token, heard))

    def _answered(self, token: str, heard: Heard) -> str:
        with self._database.write() as tx:
            line = self._line(tx, token, heard)
            if heard.step is Step.DIALLED:
                return self._after_dialling(line)
            return self._act(line, self._choice(line))

    def _line(self, tx: Connection, token: str, heard: Heard) -> _Line:
        call = messages.by_token(tx, token, lock=True)
        if call is None or call.appointment_id is None or (call.provider_sid and call.provider_sid != heard.sid):
            raise NotFound("There is no such call.")
        visit = appointments.by_number(tx, call.appointment_id)
        return _Line(tx, call, visit, self._catalogue.current().location_by_id[visit.location_id], heard)

    def _choice(self, line: _Line) -> Choice:
        heard = line.heard
        if heard.key:
            return by_key(heard.step, heard.key)
        own = self._lexicons.at_hand(self._texts.negotiate(line.call.language, line.place.locale)[0])
        english = self._lexicons.at_hand("en")
        number = chosen(heard.speech, own, english)
        if number is not None and number != ALL:
            return by_key(heard.step, str(number))
        return by_words(heard.step, self._about(line, read(heard.speech, own, english)).intent)

    def _about(self, line: _Line, reading: Reading) -> Reading:
        """As an answer about this visit; a yes to another day is none at all."""
        zone = line.place.zone
        compared = about(
            reading, line.visit.start_at.astimezone(zone).date(), self._clock.now().astimezone(zone).date()
        )
        return UNCLEAR if reading.intent is Intent.CONFIRM and compared != reading else compared

    def _act(self, line: _Line, choice: Choice) -> str:
        if choice is Choice.STOP:
            self._stop(line)
            return self._say(line, "stopped")
        if not self._is_open(line.visit):
            return self._over(line)
        match choice:
            case Choice.HERE:
                return self._ask(line, Step.VISIT)
            case Choice.ASK_CANCEL:
                return self._ask(line, Step.SURE)
            case Choice.AGAIN:
                return self._ask(line, line.heard.step)
            case Choice.CONFIRM | Choice.CANCEL:
                return self._change(line, choice)
            case Choice.MOVE:
                self._to_desk(line, "wants_another_time", Outcome.ANOTHER_TIME)
                return self._say(line, "reschedule")
            case Choice.NOT_HERE:
                self._to_desk(line, "wrong_person", Outcome.WRONG_PERSON)
                return self._say(line, "not_here")
            case Choice.DESK:
                return self._put_through(line)
            case _:
                return self._not_understood(line)

    def _change(self, line: _Line, choice: Choice) -> str:
        confirms, visit = choice is Choice.CONFIRM, line.visit
        service = self._catalogue.current().service_by_id[visit.service_id]
        if not confirms and service.is_closed_for_changes(visit.start_at, self._clock.now()):
            return self._promise(line, "late_cancel")
        try:
            change = Change.CONFIRM if confirms else Change.CANCEL
            self._lifecycle.change(line.tx, visit.uid, change, patient("voice"))
        except IllegalTransition:
            return self._over(line)
        line.end(Outcome.CONFIRMED if confirms else Outcome.CANCELLED)
        return self._say(line, "confirmed" if confirms else "cancelled")

    def _put_through(self, line: _Line) -> str:
        """To the venue's own telephone while somebody works there; else a person calls back."""
        if not line.place.phone or not self._is_staffed(line.place):
            return self._promise(line, "wants_call_back")
        line.end(Outcome.PUT_THROUGH)
        return self._say(line, "transfer", self._address(line, Step.DIALLED))

    def _after_dialling(self, line: _Line) -> str:
        if line.heard.dialled in _CONNECTED:
            return self._say(line, "bye")
        return self._promise(line, "wants_call_back")

    def _promise(self, line: _Line, reason: str, about: int | None = None) -> str:
        self._to_desk(line, reason, Outcome.CALL_BACK, about)
        return self._say(line, "call_back")

    def _not_understood(self, line: _Line) -> str:
        """Ask again; in the end a person calls, who can read what was heard."""
        heard = line.heard
        if heard.tries + 1 >= MOST_TRIES:
            return self._promise(line, "not_understood", self._write_down(line) if heard.speech else None)
        return self._ask(line, heard.step, tries=heard.tries + 1, sorry="key" if heard.key else "speech")

    def _over(self, line: _Line) -> str:
        if line.call.outcome is None:
            line.end(Outcome.NOTHING_OPEN)
        return self._say(line, "over")

    def _is_open(self, visit: Record) -> bool:
        return Status(visit.status) in OPEN and visit.start_at > self._clock.now()

    def _is_staffed(self, place: Location) -> bool:
        """Whether anybody who sees patients there has hours at this moment."""
        now = int(self._clock.now().timestamp())
        people = self._catalogue.current().provider_by_id.values()
        return any(
            one.active and one.location.id == place.id and is_open(one.timetable, now, now + 1) for one in people
        )

    def _ask(self, line: _Line, step: Step, tries: int = 0, sorry: Sorry = "") -> str:
        return self._say(line, _DOCUMENTS[step], self._address(line, step, tries), sorry)

    def _address(self, line: _Line, step: Step, tries: int = 0) -> str:
        return f"{line.heard.path}?step={step}" + (f"&tries={tries}" if tries else "")

    def _say(self, line: _Line, name: Spoken, action: str | None = None, sorry: Sorry = "") -> str:
        visit, place = line.visit, line.place
        facts = visit_facts(place, visit.patient_name, visit.patient_zone, visit.start_at)
        said = self._texts.voice(
            name, line.call.language, place.locale, facts, action=action, sorry=sorry,
            own=self._catalogue.current().texts,
        )  # fmt: skip
        messages.learn(line.tx, line.call.id, text_version=said.version)
        return said.body

    def _stop(self, line: _Line) -> None:
        now, phone, said = self._clock.now(), line.call.phone, line.heard.speech
        evidence = "voice: key 9" if line.heard.key else f"voice: {said.strip()[:60]}"
        consents.stop(line.tx, phone, Channel.VOICE, now, evidence, line.call.id)
        reminder_store.withdraw_for_phone(line.tx, phone, Channel.VOICE, now)
        line.end(Outcome.STOPPED)

    def _to_desk(self, line: _Line, reason: str, outcome: Outcome, about: int | None = None) -> None:
        """Once per call and reason, however often the provider asks. ``about``: the message to read, if not the call."""
        line.end(outcome)
        if inbox.has_for_visit(line.tx, line.visit.id, reason, since=line.call.created_at):
            return
        now = self._clock.now()
        inbox.add(line.tx, {
            "uid": new_uid("inb", now), "message_id": about or line.call.id, "patient_id": line.visit.patient_id,
            "appointment_id": line.visit.id, "reason": reason, "created_at": now,
        })  # fmt: skip

    def _write_down(self, line: _Line) -> int:
        """Keep the words that were heard, as a text that came in."""
        now = self._clock.now()
        return messages.add(line.tx, {
            "uid": new_uid("msg", now), "direction": "in", "channel": Channel.VOICE, "kind": "reply",
            "appointment_id": line.visit.id, "patient_id": line.visit.patient_id, "phone": line.call.phone,
            "body": line.heard.speech[:500], "language": line.call.language, "state": State.DELIVERED,
            "created_at": now, "checks": 0,
        })  # fmt: skip
