"""Trials: started, stopped and read. Planning asks for a patient's lot in ``services/lifecycle.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reminders.clock import Clock
from reminders.domain.actor import Once
from reminders.domain.experiment import MOST_SHARE, USUAL, Contrast, Reading
from reminders.errors import Conflict, Invalid, NotFound
from reminders.services.catalogue import Catalogue, experiment
from reminders.services.trials import reading, readings
from reminders.store import experiments as store
from reminders.store import keys
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: What to do, in a sentence.
ADVICE: Mapping[str, str] = {
    "wait": "Too little data for any statement yet. Go on.",
    "continue": "Nothing is certain yet. Go on.",
    "stop_fewer_noshows": "There are fewer no-shows in this arm than in the control; that is certain enough. Stop the "
    "trial and give everybody these reminders.",
    "stop_more_noshows": "There are more no-shows in this arm than in the control. Stop the trial.",
    "stop_no_difference_that_matters": "Whatever difference there is, it is too small to matter. Stop the trial.",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A trial to start: ``arms`` are (name, share, steps as the API writes them), no steps at all is a holdout."""

    name: str
    policy_id: str
    arms: Sequence[tuple[str, float, Sequence[Mapping[str, Any]]]]
    guarded_service_ids: Sequence[str]
    difference: float


class Experiments:
    """Starts, stops and reads trials."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def start(self, wish: Wish, once: Once | None = None) -> Record:
        """Begin a trial with the visits booked from now on. ``Invalid`` for arms that make no sense or when no service is
        left to take part, ``Conflict`` when the policy has a trial already."""
        now, snapshot = self._clock.now(), self._catalogue.refresh()
        if wish.policy_id not in snapshot.policies:
            raise Invalid("There is no policy with this id.", field="policy_id")
        _check(wish)
        policy = snapshot.policies[wish.policy_id]
        guarded = {_service(snapshot.services, uid).id for uid in wish.guarded_service_ids}
        using = {one.id for one in snapshot.services.values() if one.policy is not None and one.policy.id == policy.id}
        if not using - guarded:
            raise Invalid("No service that uses this policy is left to take part.", field="guarded_service_ids")
        uid = new_uid("exp", now)
        values: dict[str, Any] = {
            "uid": uid, "policy_id": policy.id, "name": wish.name,
            "service_ids": sorted(using - guarded), "guarded_ids": sorted(guarded), "branches": [
                {"name": name, "share": share, "steps": [dict(step) for step in steps]} for name, share, steps in wish.arms
            ], "difference": wish.difference, "started_at": now,
        }  # fmt: skip
        with self._database.write() as tx:
            if once is not None and (earlier := keys.claim_once(tx, once, uid, now)) is not None:
                return store.get(tx, earlier)
            if store.running(tx, policy.id):
                raise Conflict("This policy has a running experiment; stop it first.")
            store.add(tx, values)
            return store.get(tx, uid)

    def stop(self, uid: str) -> Record:
        """End a trial: from now on everybody gets what the policy says. Repeating it changes nothing."""
        with self._database.write() as tx:
            row = store.get(tx, uid)
            store.end(tx, row.id, self._clock.now())
            return store.get(tx, uid)

    def get(self, uid: str) -> Record:
        """``NotFound`` for an unknown id."""
        with self._database.read() as tx:
            return store.get(tx, uid)

    def listing(self, after: int, limit: int) -> Sequence[Record]:
        with self._database.read() as tx:
            return store.listing(tx, after, limit + 1)

    def read(self, uid: str) -> Reading:
        """A trial as it stands now, with what to do. ``NotFound`` for an unknown id."""
        with self._database.read() as tx:
            return reading(tx, experiment(store.get(tx, uid)), self._clock.now())

    def readings(self) -> list[Reading]:
        """Every trial, the latest first."""
        with self._database.read() as tx:
            return readings(tx, self._clock.now())


def reading_shown(found: Reading) -> dict[str, Any]:
    """What a trial has found, for JSON."""
    return {
        "visits": found.visits, "required_visits": found.required, "unmarked": found.unmarked,
        "control": found.experiment.control, "arms": {
            name: asdict(counts) | {"rate": counts.rate.value if counts.rate else None}
            for name, counts in sorted(found.counts.items())
        }, "contrasts": [_contrast(one) for one in found.contrasts],
    }  # fmt: skip


def _contrast(one: Contrast) -> dict[str, Any]:
    intervals = {
        "risk_difference": one.fixed,
        "sequential_risk_difference": one.sequential,
        "avoided_noshows": one.avoided,
    }
    return {
        "arm": one.name, "visits": one.arm.visits, "noshows": one.arm.missed, "control_visits": one.control.visits,
        "control_noshows": one.control.missed, "lacking": one.lacking,
        **{
            name: None if found is None else {part: round(number, 6) for part, number in asdict(found).items()}
            for name, found in intervals.items()
        },
        "advice": one.advice.value, "advice_text": ADVICE[one.advice],
    }  # fmt: skip


def _check(wish: Wish) -> None:
    names = [name for name, _, _ in wish.arms]
    if not names or len({*names, USUAL}) != len(names) + 1:
        raise Invalid(f"Arms need names of their own, and none may be called {USUAL}.", field="arms")
    shares = [share for _, share, _ in wish.arms]
    if min(shares) <= 0 or sum(shares) > MOST_SHARE:
        raise Invalid(f"Shares are above 0 and together at most {MOST_SHARE}.", field="arms")
    if not 0 < wish.difference < 1:
        raise Invalid("The smallest difference that matters lies between 0 and 1.", field="difference")


def _service(services: Mapping[str, Any], uid: str) -> Any:
    if uid not in services:
        raise NotFound("There is no service with this id.")
    return services[uid]
