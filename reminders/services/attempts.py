"""Decides on what is due and writes down what is about to be sent, in the transaction that claims it.

Everything is looked at as it is at this moment: the visit, the patient, consent, hours, money. Whoever dies after the
commit leaves rows that are ``uncertain``; whoever dies before it leaves them as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from reminders.clock import Clock
from reminders.domain.combining import Group, combine
from reminders.domain.cost import rate_card
from reminders.domain.delivery import CONTACTED, Channel, Reason, State
from reminders.domain.dispatch import Verdict, decide
from reminders.domain.imip import ReplyAddress
from reminders.domain.sms import segments
from reminders.domain.thrift import Means, Nudge, given_up
from reminders.domain.visitlink import VisitLinks
from reminders.errors import Invalid
from reminders.services.batch import (
    Batch,
    Job,
    address_of,
    addresses,
    candidate,
    message_row,
    situation,
    step_of,
    venue,
    visit_facts,
)
from reminders.services.catalogue import Catalogue
from reminders.services.invitations import invitation, visit_link
from reminders.store import appointments, calendars, claims, consents, paces, spendings
from reminders.store import reminders as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_secret, new_uid
from reminders.texts import Letter, Rendered, Template, Texts

BUDGET_CURRENCY = "USD"
_BURST = timedelta(seconds=2)
_DAY = timedelta(days=1)
_LOOK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much one sender may send per second: segments for SMS, calls for voice."""

    sender: str
    messages_per_second: float
    calls_per_second: float

    def of(self, channel: Channel) -> float | None:
        """``None``: as fast as it goes."""
        return {Channel.SMS: self.messages_per_second, Channel.VOICE: self.calls_per_second}.get(channel)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the installation asks of sending. ``combine`` is how far ahead a message may speak for others to the same
    phone; a ``daily_cap`` or ``budget`` of 0 means no limit. ``channels`` are those that are set up here, ``mailbox`` is the
    address that e-mail comes from, ``answers`` where answers to invitations are read. ``links``: how e-mails lead to the
    page of a visit, where patients can reach us."""

    lease: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(seconds=60)
    combine: timedelta = timedelta(minutes=60)
    daily_cap: int = 0
    budget: Decimal = Decimal(0)
    channels: frozenset[Channel] = frozenset({Channel.SMS, Channel.VOICE})
    mailbox: str = ""
    answers: ReplyAddress | None = None
    links: VisitLinks | None = None


class Attempts:
    """Takes batches for one worker, which ``owner`` names in its leases."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, texts: Texts, pace: Pace, rules: Rules, owner: str
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts
        self._pace = pace
        self._rules = rules
        self._owner = owner

    def take(
        self, channel: Channel, limit: int, since: datetime, *, by_deadline: bool
    ) -> tuple[list[Record], list[Job]]:
        """Claim up to ``limit`` due reminders, as far as the pace allows: (what was claimed, what is to be sent)."""
        now = self._clock.now()
        rate, sender = self._pace.of(channel), f"{channel}:{self._pace.sender}"
        lease = now + self._rules.lease
        with self._database.write() as tx:
            units = paces.allowance(tx, sender, now, rate, _BURST) if rate else limit
            claimed = claims.claim_due(
                tx, channel, now, self._owner, lease, min(units, limit), since=since, by_deadline=by_deadline
            )  # fmt: skip
            if not claimed:
                return [], []
            card = rate_card(now.date())
            batch = Batch(tx, now, channel, self._catalogue.current(), lease, card)
            self._decide(batch, [row.id for row in claimed], by_deadline=by_deadline)
            if rate:
                used = max(len(claimed), sum(job.segments for job in batch.jobs))
                paces.spend(tx, sender, now, rate, _BURST, used)
        return claimed, batch.jobs

    def extend(self, numbers: Sequence[int], until: datetime) -> set[int]:
        """Keep the leases of what is still being sent, with all it speaks for; returns what is still ours."""
        with self._database.write() as tx:
            return claims.extend(tx, numbers, self._owner, until)

    def miss_overdue(self, channel: Channel) -> None:
        """While nothing may be sent, what is past its deadline is given up as usual."""
        now = self._clock.now()
        with self._database.write() as tx:
            claims.miss_overdue(tx, channel, now, claims.LONG_AGO, Reason.TOO_LATE)

    def _decide(self, batch: Batch, claimed: Sequence[int], *, by_deadline: bool) -> None:
        rows = self._read(batch, claimed)
        if by_deadline:
            rows.sort(key=lambda row: row.not_after)
        numbers = [row.id for row in rows]
        stops = consents.in_force(batch.tx, addresses(batch))
        wanted = [number for number in numbers if self._goes_out(batch, number, stops)]
        groups, waiting = self._combine(batch, wanted, stops)
        for number in waiting:
            batch.settle(number, State.PLANNED, batch.rows[number].reason)
        means = self._means(batch, groups)
        for group in groups:
            self._write(batch, group, means)
        claims.add_attempts(batch.tx, batch.messages)
        claims.settle_claimed(batch.tx, list(batch.settled.values()))
        cost = sum((message["estimated"] for message in batch.messages), Decimal(0))
        if cost:  # last of all: who counts holds the month's row until the commit
            spendings.add(batch.tx, batch.now, batch.card.currency, cost)

    def _read(self, batch: Batch, numbers: Sequence[int]) -> list[Record]:
        """The claimed rows. A visit that somebody is changing at this moment is left for the next look: what it becomes
        is not known yet, and waiting for it could end in a deadlock."""
        rows = claims.details(batch.tx, numbers)
        batch.rows |= {row.id: row for row in rows}
        if batch.channel is Channel.EMAIL:
            batch.visits |= calendars.known_visits(batch.tx, [row.appointment_id for row in rows if row.appointment_id])
        visits = [row.appointment_id for row in rows if row.appointment_id]
        busy = set(visits) - appointments.hold(batch.tx, visits)
        for row in rows:
            if row.appointment_id in busy:
                batch.settle(row.id, State.PLANNED, row.reason, due_at=max(row.due_at, batch.now + _LOOK_AGAIN))
        return [row for row in rows if row.appointment_id not in busy]

    def _goes_out(self, batch: Batch, number: int, stops: set[tuple[str, str]]) -> bool:
        if number in batch.settled:
            return False
        row = batch.rows[number]
        try:
            known = batch.channel in self._rules.channels
            verdict = decide(situation(batch, row, stops)) if known else Verdict(State.SUPPRESSED, Reason.NO_CHANNEL)
        except Invalid:  # what cannot be said must not hold up everybody else's reminders
            verdict = Verdict(State.SUPPRESSED, Reason.NO_TEXT)
        if verdict.state is State.CLAIMED:
            return True
        if number not in batch.early:
            batch.settle(number, verdict.state, verdict.reason, due_at=verdict.due_at or row.due_at)
        return False

    def _combine(
        self, batch: Batch, wanted: Sequence[int], stops: set[tuple[str, str]]
    ) -> tuple[list[Group], list[int]]:
        """Reminders by SMS to the same phone become one message, with those that are due soon."""
        if batch.channel is not Channel.SMS or not self._rules.combine:
            return [Group(number, (), ()) for number in wanted], []
        phones = {batch.rows[number].patient_phone for number in wanted if batch.rows[number].kind == "reminder"}
        early = claims.claim_companions(
            batch.tx, list(phones), batch.channel, batch.now, batch.now + self._rules.combine, self._owner,
            batch.lease_until,
        ) if phones else []  # fmt: skip
        joining: list[int] = []
        if early:
            batch.early |= set(early)
            self._read(batch, early)
            joining = [number for number in early if self._goes_out(batch, number, stops)]
        groups, waiting = combine([candidate(batch, number) for number in [*wanted, *joining]])
        return groups, waiting + [number for number in early if number not in joining and number not in batch.settled]

    def _means(self, batch: Batch, groups: Sequence[Group]) -> dict[int, Means]:
        """What each message may cost; only asked for where there is a limit."""
        rules = self._rules
        used = spendings.spent(batch.tx, batch.now, BUDGET_CURRENCY) / rules.budget if rules.budget else Decimal(0)
        nudges = [group.leader for group in groups if batch.rows[group.leader].kind == "reminder"]
        counts: Mapping[str, int] = {}
        if rules.daily_cap:
            counts = claims.recent(
                batch.tx, [address_of(batch.rows[one], batch.channel) for one in nudges], batch.now - _DAY
            )
        means = {
            one: Means(used, counts.get(address_of(batch.rows[one], batch.channel), 0) >= rules.daily_cap > 0)
            for one in nudges
        }  # fmt: skip
        return {one: mean for one, mean in means.items() if mean.are_short}

    def _write(self, batch: Batch, group: Group, means: Mapping[int, Means]) -> None:
        for number in group.needless:
            batch.settle(number, State.SUPPRESSED, Reason.COMBINED)
        row = batch.rows[group.leader]
        if group.leader in means and not group.carried:
            reason = given_up(_nudge(batch, row), means[group.leader])
            if reason is not None:
                batch.settle(group.leader, State.SUPPRESSED, reason)
                return
        try:
            text = self._text(batch, row, [batch.rows[number] for number in group.carried])
        except Invalid:
            for number in (group.leader, *group.carried):
                batch.settle(number, State.SUPPRESSED, Reason.NO_TEXT)
            return
        job = self._job(batch, row, group, text)
        for number in group.carried:
            batch.settle(
                number, State.UNCERTAIN, Reason.COMBINED, carried_by=group.leader, lease_until=batch.lease_until,
                attempts=batch.rows[number].attempts,
            )  # fmt: skip
        batch.jobs.append(job)
        batch.messages.append(message_row(batch, row, job, text))

    def _job(self, batch: Batch, row: Record, group: Group, text: Rendered) -> Job:
        return Job(
            reminders=(group.leader, *group.carried), token=new_secret(), uid=new_uid("msg", batch.now), reminder_uid=row.uid,
            channel=batch.channel, to=address_of(row, batch.channel), body=text.body,
            subject=text.subject if isinstance(text, Letter) else "",
            segments=segments(text.body).count if batch.channel is Channel.SMS else 1, attempts=row.attempts,
            not_after=row.not_after,
            attachment=invitation(batch, row, text, self._rules.mailbox, self._rules.answers)
            if isinstance(text, Letter) else None,
        )  # fmt: skip

    def _text(self, batch: Batch, row: Record, others: Sequence[Record]) -> Rendered:
        """What is said and in which language. A call's words are made when the provider asks for them."""
        place = venue(batch, row)
        if row.channel == Channel.VOICE:
            language, fallback = self._texts.negotiate(row.patient_language, place.locale)
            return Rendered("", language if fallback else row.patient_language or place.locale, fallback)
        facts = visit_facts(
            place, row.patient_name, row.patient_zone, row.start_at, row.body,
            others=[(other.patient_name, other.start_at) for other in others],
        )  # fmt: skip
        if row.channel == Channel.EMAIL and self._rules.links and not self._rules.answers:
            facts = replace(facts, link=visit_link(batch, row, self._rules.links))
        template = Template.SEVERAL if others else Template(row.kind)
        say = self._texts.email if row.channel == Channel.EMAIL else self._texts.sms
        return say(template, row.patient_language, place.locale, facts, batch.snapshot.texts)


def _nudge(batch: Batch, row: Record) -> Nudge:
    later = claims.later_nudges(batch.tx, [row.appointment_id], batch.now).get(row.appointment_id, 0)
    step = step_of(batch, row)
    repeats = False
    if step and row.channel != step.channels[0]:
        before = store.contacted(batch.tx, row.appointment_id, row.plan, row.step)
        repeats = any(other.state in CONTACTED and other.channel != row.channel for other in before)
    return Nudge(later, repeats)
