"""What is said on a reminder call, and what the keys pressed and the words said mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import patient
from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.availability import is_open
from reminders.domain.call import MACHINES, MOST_TRIES, PLACES, Choice, Outcome, Step, by_key, by_words
from reminders.domain.clinic import Location
from reminders.domain.delivery import Channel
from reminders.domain.lexicon import Lexicon, Role
from reminders.domain.reply import ALL, UNCLEAR, Intent, Reading, about, read
from reminders.domain.reply import choice as chosen
from reminders.errors import IllegalTransition, NotFound
from reminders.services import callcosts
from reminders.services.batch import visit_facts
from reminders.services.callline import ANOTHER_TIME, Heard, Line
from reminders.services.calltimes import CallTimes
from reminders.services.catalogue import Catalogue
from reminders.services.dialogues import Dialogues
from reminders.services.lifecycle import Lifecycle
from reminders.services.slots import Slots
from reminders.store import appointments, consents, messages
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.texts import Sorry, Spoken, Texts
from reminders.texts.lexicons import Lexicons

__all__ = ["Calls", "Heard"]

_DOCUMENTS: dict[Step, Spoken] = {Step.WHO: "who", Step.VISIT: "reminder", Step.SURE: "sure", Step.TIMES: "times"}
_CONNECTED = frozenset({"completed", "answered"})


class Calls:
    """Answers the provider's questions about one call, known by the token in its address. One public method = one
    transaction; both return TwiML and raise ``NotFound`` for a call that is not ours."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, texts: Texts,
        lexicons: Lexicons, slots: Slots,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._texts = texts
        self._lexicons = lexicons
        self._times = CallTimes(lifecycle, Dialogues(catalogue, slots))

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

    def _line(self, tx: Connection, token: str, heard: Heard) -> Line:
        call = messages.by_token(tx, token, lock=True)
        if call is None or call.appointment_id is None or (call.provider_sid and call.provider_sid != heard.sid):
            raise NotFound("There is no such call.")
        visit = appointments.by_number(tx, call.appointment_id)
        place = self._catalogue.current().location_by_id[visit.location_id]
        return Line(tx, call, visit, place, heard, self._clock.now())

    def _choice(self, line: Line) -> Choice:
        heard, words = line.heard, self._words(line)
        if heard.key:
            return by_key(heard.step, heard.key)
        if heard.step is Step.TIMES:
            return self._among_times(line, words)
        number = chosen(heard.speech, *words)
        if number is not None and number != ALL:
            return by_key(heard.step, str(number))
        said = self._about(line, read(heard.speech, *words))
        return by_words(heard.step, said.intent, bare=said.bare)

    def _words(self, line: Line) -> tuple[Lexicon, Lexicon]:
        own, _ = self._texts.negotiate(line.call.language, line.place.locale)
        return self._lexicons.at_hand(own), self._lexicons.at_hand("en")

    def _among_times(self, line: Line, words: tuple[Lexicon, Lexicon]) -> Choice:
        """One of the times on offer, by its number, its day or its hour; or another day."""
        picked = self._times.chosen(line, *words)
        if picked.numbers:
            return by_key(Step.TIMES, str(picked.numbers[0]))
        if picked.days:
            return Choice.OTHER_DAY
        reading = read(line.heard.speech, *words)
        return Choice.UNKNOWN if reading.by_number else by_words(Step.TIMES, reading.intent, bare=reading.bare)

    def _about(self, line: Line, reading: Reading) -> Reading:
        """As an answer about this visit; a yes to another day is none at all."""
        zone = line.place.zone
        compared = about(reading, line.visit.start_at.astimezone(zone), line.now.astimezone(zone).date())
        return UNCLEAR if reading.intent is Intent.CONFIRM and compared != reading else compared

    def _wished(self, line: Line) -> frozenset[Role]:
        """The days that were named with the wish for another time."""
        return self._about(line, read(line.heard.speech, *self._words(line))).days if line.heard.speech else frozenset()

    def _act(self, line: Line, choice: Choice) -> str:
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
                return self._ask_again(line)
            case Choice.CONFIRM | Choice.CANCEL:
                return self._change(line, choice)
            case Choice.MOVE:
                return self._offer(line, self._wished(line))
            case Choice.OTHER_DAY:
                return self._offer(line, self._times.chosen(line, *self._words(line)).days)
            case Choice.FIRST | Choice.SECOND | Choice.THIRD:
                return self._take(line, PLACES[choice])
            case Choice.CALL_ME:
                return self._desk_finds_time(line)
            case Choice.NOT_HERE:
                line.to_desk("wrong_person", Outcome.WRONG_PERSON)
                return self._say(line, "not_here")
            case Choice.DESK:
                return self._put_through(line)
            case _:
                return self._not_understood(line)

    def _change(self, line: Line, choice: Choice) -> str:
        confirms, visit = choice is Choice.CONFIRM, line.visit
        self._times.close(line)
        if not confirms and self._is_late(line):
            return self._too_late(line, "late_cancel")
        try:
            change = Change.CONFIRM if confirms else Change.CANCEL
            self._lifecycle.change(line.tx, visit.uid, change, patient("voice"))
        except IllegalTransition:
            return self._over(line)
        line.end(Outcome.CONFIRMED if confirms else Outcome.CANCELLED)
        return self._say(line, "confirmed" if confirms else "cancelled")

    def _offer(self, line: Line, days: frozenset[Role] = frozenset()) -> str:
        """Say which times are free near the old one, on the ``days`` that were named if any; where there is none, or it is
        too late, a person finds one."""
        if self._is_late(line):
            return self._too_late(line, ANOTHER_TIME)
        starts = self._times.offer(line, days)
        if not starts:
            return self._desk_finds_time(line)
        line.end(Outcome.ANOTHER_TIME)
        return self._ask(line, Step.TIMES, starts=starts)

    def _take(self, line: Line, place: int) -> str:
        """Move the visit to one of the times on offer; should it be gone meanwhile, others are offered."""
        starts = self._times.on_offer(line)
        if not starts:
            return self._say(line, "moved") if self._times.was_chosen(line, place) else self._offer(line)
        if place >= len(starts):
            return self._not_understood(line)
        try:
            if not self._times.move(line, starts[place]):
                return self._offer(line)
        except IllegalTransition:
            return self._over(line)
        line.end(Outcome.MOVED)
        return self._say(replace(line, visit=appointments.get(line.tx, line.visit.uid)), "moved")

    def _desk_finds_time(self, line: Line) -> str:
        self._times.close(line)
        line.to_desk(ANOTHER_TIME, Outcome.ANOTHER_TIME)
        return self._say(line, "reschedule")

    def _is_late(self, line: Line) -> bool:
        """Whether the service wants no more changes by the patient this close to the visit."""
        service = self._catalogue.current().service_by_id[line.visit.service_id]
        return service.is_closed_for_changes(line.visit.start_at, line.now)

    def _too_late(self, line: Line, reason: str) -> str:
        line.to_desk(reason, Outcome.CALL_BACK)
        return self._say(line, "late")

    def _put_through(self, line: Line) -> str:
        """To the venue's own telephone while somebody works there; else a person calls back."""
        if not line.place.phone or not self._is_staffed(line.place):
            return self._promise(line, "wants_call_back")
        line.end(Outcome.PUT_THROUGH)
        return self._say(line, "transfer", self._address(line, Step.DIALLED))

    def _after_dialling(self, line: Line) -> str:
        if line.heard.dialled in _CONNECTED:
            callcosts.connected(line.tx, line.call, line.place.phone or "", line.heard.dialled_seconds)
            return self._say(line, "bye")
        return self._promise(line, "wants_call_back")

    def _promise(self, line: Line, reason: str, about: int | None = None) -> str:
        line.to_desk(reason, Outcome.CALL_BACK, about)
        return self._say(line, "call_back")

    def _not_understood(self, line: Line) -> str:
        """Ask again; in the end a person calls, who can read what was heard."""
        heard = line.heard
        if heard.tries + 1 >= MOST_TRIES:
            return self._promise(line, "not_understood", line.write_down() if heard.speech else None)
        return self._ask_again(line, tries=heard.tries + 1, sorry="key" if heard.key else "speech")

    def _over(self, line: Line) -> str:
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

    def _ask_again(self, line: Line, tries: int = 0, sorry: Sorry = "") -> str:
        if line.heard.step is not Step.TIMES:
            return self._ask(line, line.heard.step, tries, sorry)
        starts = self._times.on_offer(line)
        return self._ask(line, Step.TIMES, tries, sorry, starts) if starts else self._offer(line)

    def _ask(
        self, line: Line, step: Step, tries: int = 0, sorry: Sorry = "", starts: Sequence[datetime] = ()
    ) -> str:  # fmt: skip
        return self._say(line, _DOCUMENTS[step], self._address(line, step, tries), sorry, starts)

    def _address(self, line: Line, step: Step, tries: int = 0) -> str:
        return f"{line.heard.path}?step={step}" + (f"&tries={tries}" if tries else "")

    def _say(
        self, line: Line, name: Spoken, action: str | None = None, sorry: Sorry = "", starts: Sequence[datetime] = ()
    ) -> str:
        visit, place = line.visit, line.place
        facts = visit_facts(place, visit.patient_name, visit.patient_zone, visit.start_at)
        facts = replace(facts, choices=tuple(("", start) for start in starts))
        said = self._texts.voice(
            name, line.call.language, place.locale, facts, action=action, sorry=sorry,
            own=self._catalogue.current().texts,
        )  # fmt: skip
        messages.learn(line.tx, line.call.id, text_version=said.version)
        return said.body

    def _stop(self, line: Line) -> None:
        now, phone, said = self._clock.now(), line.call.phone, line.heard.speech
        evidence = "voice: key 9" if line.heard.key else f"voice: {said.strip()[:60]}"
        consents.stop(line.tx, phone, Channel.VOICE, now, evidence, line.call.id)
        reminder_store.withdraw_for_phone(line.tx, phone, Channel.VOICE, now)
        line.end(Outcome.STOPPED)
