"""`reminders simulate`: reads what was asked for, and the policies to compare from their files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reminders import settings
from reminders.domain.clinic import Policy
from reminders.domain.simulation import Window
from reminders.errors import Invalid, NotFound
from reminders.services.catalogue import Snapshot, policy
from reminders.services.csvfile import FileUnreadable
from reminders.services.simulation import Simulation
from reminders.showing.simulate import write_comparison, write_outcomes
from reminders.web.schemas.clinic import PolicyIn
from reminders.wiring.parts import rules_of
from reminders.wiring.service import Service, build
from reminders.wiring.speech import words

T = TypeVar("T")

_NAMED = re.compile(r"([a-z0-9_]{1,40})=(.+)")
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command. ``diff``: no, one or two files of policies."""

    first: str
    last: str
    location: str | None
    form: str
    diff: Sequence[str]
    everything: bool


def simulate(service: Service, asked: Asked, console: Console) -> None:
    """Print every message that would go out, or what two policies differ in. ``Invalid`` for what makes no sense."""
    window = Window.read(asked.first, asked.last)
    rules = rules_of(service.settings, service.mailer)
    simulation = Simulation(service.database, service.use_cases.clock, service.catalogue, words(), rules)
    head = {"from": asked.first, "to": asked.last, "location_id": asked.location}
    if not asked.diff:
        found = simulation.run(window, asked.location)
        with _bar() as bar:
            size = simulation.size(window, asked.location) if not bar.disable else 0
            write_outcomes(_shown(found, bar, size), head, asked.form, console, everything=asked.everything)
        return
    (name_a, a), (name_b, b) = _sides(asked.diff, service.catalogue.refresh())
    compared = simulation.compare(window, a, b, asked.location)
    with _bar() as bar:
        named = head | {"policy_a": name_a, "policy_b": name_b}
        write_comparison(_shown(compared, bar, None), named, asked.form, console)


def _bar() -> Progress:
    """Shown only where it does not run into what is printed."""
    console = Console(stderr=True)
    return Progress(*_COLUMNS, console=console, transient=True, disable=not console.is_terminal or sys.stdout.isatty())


def _shown(items: Iterable[T], bar: Progress, total: int | None) -> Iterator[T]:
    task = bar.add_task("Rehearsing", total=total)
    for item in items:
        yield item
        bar.advance(task)


_Side = tuple[str, dict[str, Policy]]


def _sides(files: Sequence[str], snapshot: Snapshot) -> tuple[_Side, _Side]:
    """One file stands against the policy as it is stored, two against each other."""
    if len(files) > 2:
        raise Invalid("--diff may be given once or twice: two policies can be compared.", field="diff")
    read = [_read(given, snapshot) for given in files]
    name, found = read[0]
    first = ("as stored", {found.uid: snapshot.policies[found.uid]}) if len(read) == 1 else (name, {found.uid: found})
    name, found = read[-1]
    return first, (name, {found.uid: found})


def _read(given: str, snapshot: Snapshot) -> tuple[str, Policy]:
    """The policy in ``[POLICY_ID=]FILE``, in place of the stored one with its id."""
    match = None if Path(given).exists() else _NAMED.fullmatch(given)
    path = Path(match[2] if match else given)
    body = _body(path)
    named = {
        str(one) for one in (match[1] if match else None, body.pop("policy_id", None), body.pop("id", None)) if one
    }
    if body.pop("quiet_hours_from", None) == "country":  # a policy as the API shows it may be used as it is
        body.pop("quiet_hours", None)
    return path.name, _policy(path, body, _replaced(path, named, snapshot))


def _replaced(path: Path, named: set[str], snapshot: Snapshot) -> Policy:
    """Which stored policy is meant: the one that is named, or the only one there is."""
    known = list(snapshot.policies.values())
    if not named and len(known) == 1:
        return known[0]
    if len(named) != 1:
        choice = ", ".join(f"{one.uid} ({one.name})" for one in known) or "none is stored yet"
        raise Invalid(f"{path}: which policy does it replace? Write --diff POLICY_ID={path.name}. There are: {choice}.")
    (uid,) = named
    if uid not in snapshot.policies:
        raise NotFound(f"There is no reminder policy {uid}.")
    return snapshot.policies[uid]


def _body(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise FileUnreadable(
            f"{path} cannot be read: {getattr(problem, 'strerror', None) or 'it is not UTF-8'}."
        ) from None
    except json.JSONDecodeError as problem:
        raise FileUnreadable(f"{path} is not JSON: {problem.msg} in line {problem.lineno}.") from None
    if not isinstance(body, dict):
        raise Invalid(f"{path} must hold one policy, as the API takes it.")
    return body


def _policy(path: Path, body: dict[str, Any], stored: Policy) -> Policy:
    """``body`` checked as the API checks it; a name is not needed here."""
    try:
        checked = PolicyIn.model_validate({"name": stored.name} | body)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the policy"
        raise Invalid(f"{path}: {where}: {first['msg']}.") from None
    sent = checked.model_dump()
    own = sent["quiet_hours"]
    hours = (
        {"mode": "own", **own} if own else {"mode": "none" if "quiet_hours" in checked.model_fields_set else "country"}
    )
    return policy(SimpleNamespace(
        id=stored.id, uid=stored.uid, name=sent["name"], steps=sent["steps"], quiet_hours=hours, notices=sent["notices"],
    ))  # fmt: skip


@click.command("simulate")
@click.option("--from", "first", required=True, help="First day at each venue, or a time with its offset")
@click.option("--to", "last", required=True, help="Last day, included, or a time with its offset")
@click.option("--location", metavar="ID", help="Only this location")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--diff", multiple=True, metavar="[POLICY_ID=]FILE", help="Compare with the policy in a file; twice: two")
@click.option("--all", "everything", is_flag=True, help="List also what would not go out")
def simulate_command(
    first: str, last: str, location: str | None, form: str, diff: tuple[str, ...], everything: bool
) -> None:  # fmt: skip
    """Every message that would go out, with its text. Sends nothing, changes nothing."""
    with closing(build(settings.load())) as service:
        simulate(service, Asked(first, last, location, form, diff, everything), Console())
