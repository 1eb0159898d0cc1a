"""Random histories of people and accidents on both sides; the exhaustive test covers every place, this one surprises."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from reminders.domain.replica import Fate
from tests.services.sync.model import FIELDS, Mode, World
from tests.services.sync.test_crashes import ACCIDENTS, MODES, PLAIN_MODES

names = st.sampled_from(FIELDS)


class Histories(RuleBasedStateMachine):
    """People work on both sides, passes run, some are cut short; after each pause both sides agree."""

    world: World

    @initialize(mode=st.sampled_from([mode for mode in [*MODES, *PLAIN_MODES] if mode.if_match]))
    def open(self, mode: Mode) -> None:
        self.world = World(mode, fate=Fate.DROP)
        self.world.create_here()

    @rule(name=names)
    def edit_here(self, name: str) -> None:
        self.world.edit_here(name)

    @rule(name=names)
    def edit_there(self, name: str) -> None:
        self.world.edit_there(name)

    @precondition(lambda self: self.world.ours.state.things)
    @rule()
    def delete_here(self) -> None:
        self.world.delete_here()

    @precondition(lambda self: self.world.server.items)
    @rule()
    def delete_there(self) -> None:
        self.world.delete_there()

    @precondition(lambda self: not self.world.ours.state.things)
    @rule(number=st.integers(2, 99))
    def create_here(self, number: int) -> None:
        self.world.create_here(f"n{number}")

    @precondition(lambda self: not self.world.server.items)
    @rule(number=st.integers(2, 99))
    def create_there(self, number: int) -> None:
        self.world.create_there(f"person-{number}")

    @rule(full=st.booleans())
    def run_pass(self, full: bool) -> None:
        self.world.run(full=full)

    @rule(place=st.integers(0, 30), accident=st.sampled_from(sorted(ACCIDENTS)))
    def interrupted_pass(self, place: int, accident: str) -> None:
        left = place

        def strike(where: str) -> None:
            nonlocal left
            left -= 1
            ends = accident == "crash" or ("crash" not in accident and where in {"call", "answer"})
            if left < 0 and ends and (accident != "no answer" or where in {"call", "answer"}):
                self.world.accident = None
                self.world.accidents += 1
                ACCIDENTS[accident](self.world)

        self.world.accident = strike
        self.world.attempt()
        self.world.accident = None

    @rule()
    def rest(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.check()


Histories.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
TestHistories = Histories.TestCase
