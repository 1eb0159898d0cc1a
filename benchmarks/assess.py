"""The simulation of an assessment: all runs at once, beside the same formulas walked through run by run."""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random

from benchmarks.report import Sheet
from benchmarks.stats import alternate, ratio_of_medians
from reminders.domain.sourcing.assessment import assess
from reminders.domain.sourcing.costing import Calculator
from reminders.domain.sourcing.figure import Reading, varying
from reminders.domain.sourcing.reading import read
from reminders.domain.sourcing.risk import draw
from reminders.domain.sourcing.scenario import Scenario
from reminders.domain.sourcing.vector import values
from reminders.settings import data_dir
from reminders.web.schemas.scenario import ScenarioIn

#: What one by one must take at least, in times of all at once.
_TARGET = 3.0


def main() -> int:
    scenario = clinic()
    seen = alternate({
        "at once": partial(timed, partial(at_once, scenario)),
        "one by one": partial(timed, partial(one_by_one, scenario)),
        "assess": partial(timed, partial(assess, scenario)),
    })  # fmt: skip
    taken = {name: [seconds for seconds, _ in found] for name, found in seen.items()}
    shown = {name: f"{statistics.median(found):.3f} s" for name, found in taken.items()}
    sheet = Sheet(f"An assessment of {len(scenario.options)} options, {scenario.runs:,} runs")
    sheet.quotient("net present costs of all runs", shown["at once"], f"one by one {shown['one by one']}",
                   ratio_of_medians(taken["one by one"], taken["at once"]), _TARGET)  # fmt: skip
    sheet.exactly("equal to the last digit", seen["at once"][0][1] == seen["one by one"][0][1], True)
    sheet.note("the whole assessment", shown["assess"])
    return sheet.close()


def clinic() -> Scenario:
    """The worked scenario with every kind of option."""
    text = (data_dir() / "assessments" / "clinic.toml").read_text("utf-8")
    return read(ScenarioIn.model_validate(tomllib.loads(text, parse_float=Decimal)).model_dump())


def at_once(scenario: Scenario) -> list[list[Decimal]]:
    """Net present costs, by option and run."""
    calculator, at = Calculator.of(scenario), drawn(scenario)
    return [values(calculator.net_present(one, True, at), scenario.runs) for one in scenario.options]


def one_by_one(scenario: Scenario) -> list[list[Decimal]]:
    """The same with plain numbers for each run."""
    calculator = Calculator.of(scenario)
    columns = {name: values(column, scenario.runs) for name, column in drawn(scenario).tried.items()}
    readings = [Reading({name: column[run] for name, column in columns.items()}) for run in range(scenario.runs)]
    return [[calculator.net_present(one, True, at) for at in readings] for one in scenario.options]


def drawn(scenario: Scenario) -> Reading:
    figures = varying(scenario.figures(), scenario.spread)
    return draw(Random(scenario.seed), figures, scenario.spread, scenario.runs)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds of the processor, and what came of it."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


if __name__ == "__main__":
    sys.exit(main())
