"""The scenario of an assessment as a form: every figure with its range, and back again."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reminders.domain.sourcing.figure import Basis
from reminders.web.manage.sources import said
from reminders.web.manage.terms import figure
from reminders.web.manage.words import N_, _

Scenario = dict[str, Any]

#: The parts of a scenario whose figures may be left out: what was measured, or a default, then stands in.
_FILLED_IN = ("volume", "staffing", "automation")
_HEADS = {
    "volume": N_("What comes in"), "staffing": N_("Staffing"), "automation": N_("Reminders and self-service"),
    "contact_cost": N_("Cost per contact"),
}  # fmt: skip
_FIELD = re.compile(r"f:([a-z0-9_.]{1,200}):(value|low|high)")
_MOST_OPTIONS = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure: ``path`` is its place in the scenario; ``basis`` is measured, user or default."""

    path: str
    label: str
    value: str
    low: str
    high: str
    basis: str
    source: str
    optional: bool

    @property
    def given(self) -> bool:
        return self.basis == Basis.USER


@dataclass(frozen=True, slots=True)
class Part:
    """The figures that belong together; ``option`` is the place of an option among the options."""

    title: str
    entries: Sequence[Entry]
    option: int | None = None


def parts(scenario: Scenario, inputs: Sequence[Mapping[str, Any]]) -> list[Part]:
    """What can be changed, in the order of the scenario. ``inputs`` are those of the newest result."""
    found: dict[str, list[Entry]] = {}
    for one in inputs:
        head = one["field"].split(".")
        key = f"options.{head[1]}" if head[0] == "options" else head[0]
        found.setdefault(key, []).append(_entry(one))
    for place in range(len(scenario.get("options", ()))):
        found.setdefault(f"options.{place}", [])
    return [_part(scenario, key, entries) for key, entries in found.items()]


def changed(scenario: Scenario, form: Mapping[str, str]) -> Scenario:
    """The scenario as the form has it. Fields that are not figures of it are left alone; whether the values can be is
    for the schema to say."""
    made = copy.deepcopy(scenario)
    for name in ("name", "currency", "baseline", "note"):
        if name in form:
            made[name] = form[name]
    if form.get("months", "").isdecimal():
        made["months"] = int(form["months"])
    if form.get("discount_rate"):
        made["discount_rate"] = form["discount_rate"]
    for path in dict.fromkeys(match[1] for name in form if (match := _FIELD.fullmatch(name))):
        low, high = (form.get(f"f:{path}:{end}", "").strip() for end in ("low", "high"))
        _put(made, path.split("."), form.get(f"f:{path}:value", "").strip(), low, high)
    _drop_options(made, form)
    return made


def with_option(scenario: Scenario, option: Mapping[str, Any]) -> Scenario:
    """The scenario with one more way of answering; its name is made unlike the others."""
    made = copy.deepcopy(scenario)
    options = made.setdefault("options", [])
    taken = {one["name"] for one in options}
    name = next(name for count in range(1, _MOST_OPTIONS + 2)
                if (name := option["name"] if count == 1 else f"{option['name']} {count}") not in taken)  # fmt: skip
    options.append({**option, "name": name})
    return made


def with_line(scenario: Scenario, place: int, line: Mapping[str, Any]) -> Scenario:
    """The scenario with one more cost line of the option at ``place``; unchanged when there is none."""
    made = copy.deepcopy(scenario)
    options = made.get("options", [])
    if 0 <= place < len(options):
        options[place].setdefault("lines", []).append(dict(line))
    return made


def _entry(one: Mapping[str, Any]) -> Entry:
    path = one["field"]
    return Entry(
        path, figure(one["label"]), one["value"], one["low"] or "", one["high"] or "", one["basis"], said(one["source"]),
        path.split(".")[0] in _FILLED_IN and ".lines." not in path,
    )  # fmt: skip


def _part(scenario: Scenario, key: str, entries: list[Entry]) -> Part:
    if key.startswith("options."):
        place = int(key.split(".")[1])
        return Part(scenario["options"][place]["name"], entries, place)
    return Part(_(_HEADS.get(key, key)), entries)


def _put(scenario: Scenario, path: list[str], value: str, low: str, high: str) -> None:
    """Write one figure. Empty means left out where that is possible; a range only when both ends are given."""
    place: Any = scenario
    for step in path[:-1]:
        place = _inside(place, step)
        if place is None:
            return
    before = place.get(path[-1])
    if not value and path[0] in _FILLED_IN and "lines" not in path:
        place.pop(path[-1], None)
        return
    kept = {name: before[name] for name in ("source", "together") if name in before} if isinstance(before, dict) else {}
    ends = {"low": low, "high": high} if low or high else {}
    place[path[-1]] = {"value": value} | {name: end for name, end in ends.items() if end} | kept


def _inside(place: Any, step: str) -> Any:
    """One step down; a table that is not there yet is made, an item that is not there is ``None``."""
    if isinstance(place, list):
        return place[int(step)] if step.isdecimal() and int(step) < len(place) else None
    found = place.setdefault(step, {})
    return found if isinstance(found, dict | list) else None


def _drop_options(scenario: Scenario, form: Mapping[str, str]) -> None:
    gone = {int(name[5:]) for name in form if re.fullmatch(r"drop:\d{1,2}", name)}
    kept = [one for place, one in enumerate(scenario.get("options", ())) if place not in gone]
    if gone:
        scenario["options"] = kept
        if scenario.get("baseline") not in {one["name"] for one in kept}:
            scenario.pop("baseline", None)
