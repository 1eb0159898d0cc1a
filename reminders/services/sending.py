"""Sends what is due: one thread claims and records, many wait for the provider.

No transaction is open while the provider is asked. A reminder is ``uncertain`` from the moment its attempt is written
until the outcome is known; ``services/reconciling.py`` looks after those whose worker died in between.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy.exc import IntegrityError

from reminders.clock import Clock
from reminders.domain.delivery import Channel
from reminders.domain.ports import Mailer, Messenger, Report
from reminders.errors import GatewayError
from reminders.services.attempts import Attempts, Pace, Rules
from reminders.services.batch import Job
from reminders.services.circuit import MAIL, Circuit
from reminders.services.crew import Crew
from reminders.services.outcomes import Accepted, Outcomes
from reminders.store import claims
from reminders.store.claims import LONG_AGO
from reminders.store.engine import Database, Record

log = structlog.get_logger()

__all__ = ["Gateways", "Pace", "Rules", "Sending"]

#: How long a look at what is due holds good; what others plan in between is found at the next one, or by ``wake``.
POLL = timedelta(seconds=1)
#: A call to the provider takes at most ten seconds; who is later than this before the end of a lease does not begin one.
_LEASE_MARGIN = timedelta(seconds=15)
#: While this much is overdue there was an outage: what would be too late first goes first.
_BACKLOG = timedelta(minutes=1)
#: The low-water mark stays so far behind, and is left out once in so long, for what was planned late.
_MARGIN = timedelta(seconds=5)
_FULL_LOOK = timedelta(minutes=1)
_WAIT_SECONDS = 0.05
#: One claim takes at most so many.
MOST_AT_ONCE = 100
_BACKOFF_START = timedelta(seconds=5)
_BACKOFF_END = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Gateways:
    """Who carries each channel, and the account that pays: what ``Circuit`` watches."""

    messenger: Messenger
    mailer: Mailer | None
    account: str
    mail_account: str = MAIL

    def account_of(self, channel: Channel) -> str:
        return self.mail_account if channel is Channel.EMAIL else self.account


@dataclass(slots=True)
class _Lane:
    """What this worker remembers of one channel. ``quiet_until``: nothing is due before; ``mark``: the low-water mark."""

    quiet_until: datetime = LONG_AGO
    mark: datetime = LONG_AGO
    looked_fully: datetime = LONG_AGO

    def since(self, now: datetime) -> datetime:
        if abs(now - self.looked_fully) >= _FULL_LOOK:
            self.looked_fully = now
            self.mark = LONG_AGO
        return self.mark


class LeaseEnded(GatewayError):
    """The worker came too late to ask the provider: the reminder may be somebody else's by now."""


class Sending:
    """The worker's main use case. ``capacity`` is how many messages may be under way at once."""

    def __init__(
        self, database: Database, clock: Clock, attempts: Attempts, gateways: Gateways, outcomes: Outcomes,
        circuit: Circuit, crew: Crew, rules: Rules, capacity: int,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._attempts = attempts
        self._gateways = gateways
        self._outcomes = outcomes
        self._circuit = circuit
        self._crew = crew
        self._rules = rules
        self._capacity = capacity
        self._turn = threading.Lock()
        self._is_stopped = False
        self._lanes = {channel: _Lane() for channel in Channel}
        self._under_way: dict[str, Job] = {}
        self._leases: dict[str, datetime] = {}
        self._finished: SimpleQueue[tuple[Job, Report | GatewayError]] = SimpleQueue()
        self._unrecorded: list[tuple[Job, Report | GatewayError]] = []
        self._kept_until = LONG_AGO

    def run_due(self) -> int:
        """Handle what is due now until nothing is left or under way; returns how many reminders were claimed."""
        with self._turn:
            self.wake()
            handled = 0
            while True:
                self._record(self._arrived())
                taken = 0 if self._is_stopped else sum(self._start(channel) for channel in Channel)
                handled += taken
                self._keep_leases()
                if not taken:
                    if not self._under_way and not self._unrecorded:
                        return handled
                    self._record(self._arrived(_WAIT_SECONDS))

    def stop(self) -> None:
        """Claim nothing more; what is under way is finished."""
        self._is_stopped = True

    def wake(self) -> None:
        """Something may be due that was not there at the last look."""
        for lane in self._lanes.values():
            lane.quiet_until = LONG_AGO

    def idle_for(self) -> timedelta:
        """How long there is nothing to do, as far as is known."""
        now = self._clock.now()
        return max(timedelta(0), min(lane.quiet_until for lane in self._lanes.values()) - now)

    def _start(self, channel: Channel) -> int:
        """Claim what is due on one channel and hand it to the crew; returns how many reminders were claimed."""
        lane, now = self._lanes[channel], self._clock.now()
        room = min(self._capacity - len(self._under_way), MOST_AT_ONCE)
        if now < lane.quiet_until or room <= 0:
            return 0
        since = lane.since(now)
        with self._database.read() as tx:
            first = claims.first_due(tx, channel, since)
        if first is None or first > now:
            lane.quiet_until = min(first or now + POLL, now + POLL)
            return 0
        if self._circuit.is_open(self._gateways.account_of(channel)):
            self._attempts.miss_overdue(channel)
            lane.quiet_until = now + POLL
            return 0
        by_deadline = now - first > _BACKLOG
        claimed, jobs = self._attempts.take(channel, room, since, by_deadline=by_deadline)
        for job in jobs:
            self._submit(job, now + self._rules.lease)
        self._note(lane, claimed, first, now)
        return len(claimed)

    def _note(self, lane: _Lane, claimed: Sequence[Record], first: datetime, now: datetime) -> None:
        if not claimed:  # the pace is used up, or another worker was faster
            lane.quiet_until = now + timedelta(seconds=_WAIT_SECONDS * 4)
        lane.mark = max(lane.mark, first - _MARGIN)

    def _submit(self, job: Job, lease_until: datetime) -> None:
        self._under_way[job.token] = job
        self._leases[job.token] = lease_until
        try:
            self._crew.submit(self._send, job)
        except BaseException:
            self._forget(job)
            raise

    def _forget(self, job: Job) -> None:
        self._under_way.pop(job.token, None)
        self._leases.pop(job.token, None)

    def _send(self, job: Job) -> None:
        """In a thread of the crew: ask the provider, and say what came of it, whatever that is."""
        outcome: Report | GatewayError
        try:
            outcome = self._ask(job)
        except GatewayError as problem:
            outcome = problem
        except Exception as problem:  # an edge: nobody else hears of it, and the message may have left
            log.error("sending.gateway", error=type(problem).__name__, message=job.uid)
            outcome = GatewayError("The gateway failed.", sent_unknown=job.channel is not Channel.EMAIL)
        self._finished.put((job, outcome))

    def _ask(self, job: Job) -> Report:
        margin = min(_LEASE_MARGIN, self._rules.lease / 4)
        if self._clock.now() > self._leases.get(job.token, LONG_AGO) - margin:
            raise LeaseEnded()
        match job.channel:
            case Channel.SMS:
                return self._gateways.messenger.send_sms(job.to, job.body, job.token)
            case Channel.VOICE:
                return self._gateways.messenger.place_call(job.to, job.token)
            case _ if self._gateways.mailer is not None:
                return self._gateways.mailer.send(job.to, job.subject, job.body, job.reminder_uid, job.attachment)
            case _:
                raise GatewayError("E-mail is not set up.", permanent=True)

    def _arrived(self, wait: float = 0.0) -> list[tuple[Job, Report | GatewayError]]:
        """Every outcome there is; waits for the first one at most ``wait`` seconds."""
        arrived: list[tuple[Job, Report | GatewayError]] = []
        try:
            if wait:
                arrived.append(self._finished.get(timeout=wait))
            while True:
                arrived.append(self._finished.get_nowait())
        except Empty:
            return arrived

    def _record(self, arrived: Sequence[tuple[Job, Report | GatewayError]]) -> None:
        """Write outcomes down. What cannot be written now, because the database is away, is kept for the next time."""
        self._unrecorded += arrived
        for job, _ in arrived:
            self._forget(job)
        accepted = [Accepted(job, outcome) for job, outcome in self._unrecorded if isinstance(outcome, Report)]
        if accepted:
            self._accepted(accepted)
            self._unrecorded = [item for item in self._unrecorded if isinstance(item[1], GatewayError)]
        while self._unrecorded:
            job, problem = self._unrecorded[0]
            if isinstance(problem, GatewayError):
                self._refused(job, problem)
            self._unrecorded.pop(0)
            self.wake()  # the next channel, or the same once more, may be due at once

    def _accepted(self, accepted: Sequence[Accepted]) -> None:
        """Together; one by one when the database objects to one of them, which must not hold up the others."""
        try:
            self._outcomes.accepted(accepted)
        except IntegrityError:
            for one in accepted:
                try:
                    self._outcomes.accepted([one])
                except IntegrityError:
                    log.error("sending.known_id", message=one.job.uid, sid=one.report.sid)
                    self._outcomes.accepted_nameless(one)

    def _refused(self, job: Job, problem: GatewayError) -> None:
        if isinstance(problem, LeaseEnded):
            self._outcomes.not_called(job)
        elif problem.account:
            self._circuit.trip(self._gateways.account_of(job.channel), problem)
            self._outcomes.put_back(job, problem)
        else:
            self._outcomes.refused(job, problem, _retry_at(self._clock.now(), job, problem))

    def _keep_leases(self) -> None:
        """Renew the leases of what is under way, well before they end."""
        now = self._clock.now()
        if not self._under_way or now < self._kept_until:
            return
        self._kept_until = now + self._rules.lease / 3
        jobs = list(self._under_way.values())
        still_ours = self._attempts.extend([job.reminders[0] for job in jobs], now + self._rules.lease)
        for job in jobs:
            if job.reminders[0] in still_ours:
                self._leases[job.token] = now + self._rules.lease


def _retry_at(now: datetime, job: Job, problem: GatewayError) -> datetime | None:
    """When to try again: full-jitter exponential backoff after what the provider asked for, never past the deadline;
    ``None`` when there is no point or no time."""
    if problem.permanent:
        return None
    asked, left = timedelta(seconds=problem.retry_after or 0), job.not_after - now
    ceiling = min(_BACKOFF_END, _BACKOFF_START * 2 ** min(job.attempts - 1, 10), left - asked)
    return None if ceiling < timedelta(0) else now + asked + ceiling * random.random()  # noqa: S311
