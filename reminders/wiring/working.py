"""The worker: everything that happens by the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reminders.clock import Clock
from reminders.connecting import upkeep
from reminders.sandbox.state import Sandbox
from reminders.services.attempts import Attempts
from reminders.services.changeset_work import ChangeSetWork
from reminders.services.checking import Checking
from reminders.services.circuit import Circuit
from reminders.services.effects import Effects
from reminders.services.reconciling import Reconciling
from reminders.services.rollups import Rollups
from reminders.services.sending import Sending
from reminders.services.trying import Trying
from reminders.services.unmarked import UnmarkedVisits
from reminders.services.wording import TRY_OUT
from reminders.settings import Settings
from reminders.wiring.parts import Parts, lay_out, owner, pace_of
from reminders.wiring.speech import words
from reminders.worker import Worker


@dataclass(frozen=True, slots=True)
class Working:
    """A worker and what it sends through."""

    parts: Parts
    sending: Sending
    worker: Worker

    def close(self) -> None:
        self.parts.close()


def build_worker(settings: Settings) -> Working:
    """A process that works and serves nobody."""
    return working(lay_out(settings))


def working(parts: Parts) -> Working:
    """The worker of a process that may do more than that."""
    ground, gateways, name = parts.ground, parts.gateways, owner()
    database, clock, catalogue = ground.database, ground.clock, ground.catalogue
    circuit = _circuit(parts)
    attempts = Attempts(database, clock, catalogue, words(), pace_of(parts.settings), parts.rules, name)
    sending = Sending(
        database, clock, attempts, gateways, parts.outcomes, circuit, parts.crew, parts.rules,
        capacity=2 * parts.settings.senders,
    )  # fmt: skip
    asked = (database, clock, gateways.messenger, parts.outcomes)
    worker = Worker(
        name, database, clock, catalogue, sending,
        Reconciling(*asked, parts.rules.grace, parts.rules.lease, parts.crew.each, ground.ending), circuit,
        Checking(*asked, parts.crew.each, ground.ending), _effects(parts), _extras(parts), _slow(parts),
        [parts.joined.delivering.run], ground.ending,
    )  # fmt: skip
    return Working(parts, sending, worker)


def _circuit(parts: Parts) -> Circuit:
    gateways = parts.gateways
    mail_check = gateways.mailer.check_account if gateways.mailer else _nothing
    checks = {gateways.account: gateways.messenger.check_account, gateways.mail_account: mail_check}
    return Circuit(parts.ground.database, parts.ground.clock, checks)


def _effects(parts: Parts) -> Effects:
    ground = parts.ground
    trying = Trying(ground.database, parts.gateways.messenger)
    return Effects(ground.database, ground.clock, {TRY_OUT: trying.send, **parts.joined.waking.handlers()})


def _extras(parts: Parts) -> list[Callable[[], object]]:
    """What a sweep does besides sending."""
    ground = parts.ground
    extras: list[Callable[[], object]] = [
        ChangeSetWork(ground.database, ground.clock, ground.catalogue, ground.lifecycle).run
    ]
    return extras + ([_advance(parts.sandbox, ground.clock)] if parts.sandbox else [])


def _slow(parts: Parts) -> list[Callable[[], object]]:
    """What may take its time, apart from the sweeps."""
    ground = parts.ground
    unmarked = UnmarkedVisits(ground.database, ground.clock, ground.catalogue, ground.lifecycle)
    return [*upkeep(parts.joined, ground), unmarked.tick, Rollups(ground.database, ground.clock, ground.ending).tick]


def _nothing() -> None:
    """Without a mail server there is nobody to ask."""


def _advance(sandbox: Sandbox, clock: Clock) -> Callable[[], object]:
    return lambda: sandbox.advance(clock.now())
