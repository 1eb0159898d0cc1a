"""Every code, state and reason in answers of the API is documented as the code has it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest
import werkzeug.exceptions
from flask import Flask
from sqlalchemy.exc import DBAPIError

import reminders
from reminders.domain import appointment, calling, changeset, delivery, faults, measures, risk
from reminders.domain.actor import Role
from reminders.errors import ReminderError
from reminders.web import problems
from tests.test_docs import PACKAGE, read

#: Raised at start or by commands, never while a request is answered.
COMMAND_LINE = {
    "configuration", "file_unreadable", "columns_missing", "mapping_invalid", "location_differs", "rehearsal_failed",
    "name_taken", "learner_missing", "too_little_history",
}  # fmt: skip


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def modules() -> list[str]:
    """Every module but the migrations, which run only inside Alembic."""
    found = [item.name for item in pkgutil.walk_packages(reminders.__path__, "reminders.")]
    return [name for name in found if ".migrations" not in name]


def errors(kind: type[ReminderError] = ReminderError) -> Iterator[type[ReminderError]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from errors(inner)


def raised() -> dict[str, Exception]:
    """An example of everything that ``web/problems.py`` turns into an answer."""
    for name in modules():
        importlib.import_module(name)
    own = {f"{kind.__module__}.{kind.__qualname__}": bare(kind) for kind in errors() if kind.__module__[:5] != "tests"}
    http = {f"http.{code}": werkzeug.exceptions.default_exceptions[code]() for code in (400, 404, 405, 413, 415, 429)}
    return own | http | {
        "http.other": werkzeug.exceptions.ImATeapot(),
        "bug": RuntimeError("a bug"),
        "database.lost": DBAPIError("", {}, Exception(), connection_invalidated=True),
        "database.other": DBAPIError("", {}, Exception()),
    }  # fmt: skip


def bare(kind: type[ReminderError]) -> ReminderError:
    """An error with nothing but its class: some want arguments of their own."""
    error = kind.__new__(kind)
    ReminderError.__init__(error)
    return error


def answered() -> dict[str, str]:
    """Code and status of each of them, as they leave the application."""
    app = Flask("errors")
    problems.install(app)
    examples = raised()

    @app.get("/<name>")
    def fail(name: str) -> None:
        raise examples[name]

    answers = [app.test_client().get(f"/{name}") for name in examples]
    codes = {answer.json["code"]: str(answer.status_code) for answer in answers}
    return {code: status for code, status in codes.items() if code not in COMMAND_LINE} | {"http_error": "other"}


def test_error_codes_and_their_statuses_are_documented():
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d{3}|other) \|", read("docs", "api.md"), re.MULTILINE)
    assert dict(rows) == answered()


def test_codes_of_the_command_line_are_documented():
    known = {kind.code for kind in errors()}
    assert known >= COMMAND_LINE
    assert all(f"`{code}`" in read("docs", "api.md") for code in COMMAND_LINE)


def literals(call: str, position: int) -> Iterator[str]:
    """Every literal text at this place of calls of this function, anywhere in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)) if f"{call}(" in source else ():
            if not isinstance(node, ast.Call) or len(node.args) <= position:
                continue
            name, argument = getattr(node.func, "attr", getattr(node.func, "id", "")), node.args[position]
            if name == call and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def words() -> Iterator[str]:
    """Everything that appears in answers as a code, a state or a reason."""
    enums = (appointment.Status, appointment.Confirmation, appointment.Change, delivery.State, delivery.Reason,
             delivery.Channel, changeset.Kind, changeset.SetState, changeset.Blocked,
             changeset.Refusal, calling.Contact, risk.Factor, measures.NoShowBy, measures.CostBy, Role)  # fmt: skip
    for enum in enums:
        yield from (member.value for member in enum)
    yield from literals("PydanticCustomError", 0)
    yield from literals("_to_desk", 2)
    yield from literals("_notify", 2)


@pytest.mark.parametrize("word", sorted(set(words())))
def test_words_in_answers_are_documented(word):
    assert f"`{word}`" in read("docs", "api.md")


@pytest.mark.parametrize("code", list(faults.FaultCode))
def test_reasons_for_rejecting_a_row_are_documented(code):
    assert f"`{code}`" in read("docs", "import.md")


def table_after(heading: str) -> list[list[str]]:
    """Rows of the first table whose heading line begins like this, without the heading."""
    lines = read("docs", "api.md").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(heading))
    return [cells(line) for line in lines[start + 2 : start + 2 + 40] if line.startswith("|")]


@pytest.mark.parametrize("status", list(appointment.Status))
def test_steps_of_visits_are_those_of_the_status_machine(status):
    row = next(row for row in table_after("| From |") if row[0] == f"`{status}`")
    changes = [appointment.Change(name) for name in ("confirm", "reschedule", "cancel", "arrive", "fulfil", "no-show")]
    steps = [appointment.TRANSITIONS.get((status, change)) for change in changes]
    assert row[1:] == [f"`{step}`" if step else "" for step in steps]


@pytest.mark.parametrize("state", list(delivery.State))
def test_next_states_of_reminders_are_those_of_the_code(state):
    row = next(row for row in table_after("| `state` |") if row[0] == f"`{state}`")
    assert set(re.findall(r"`(\w+)`", row[2])) == {
        following.value for following in delivery.NEXT[state] | delivery.ON_A_CALL.get(state, frozenset())
    }
    assert (row[2] == "final") == (not delivery.NEXT[state])


@pytest.mark.parametrize("state", list(changeset.SetState))
def test_next_states_of_change_sets_are_those_of_the_code(state):
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", section("## Change sets"), re.MULTILINE)
    following = changeset.NEXT[state]
    assert set(re.findall(r"`(\w+)`", dict(rows)[state])) == {one.value for one in following}
    assert (dict(rows)[state] == "final") == (not following)


def section(heading: str) -> str:
    return read("docs", "api.md").split(f"\n{heading}\n")[1].split("\n## ")[0]
