"""`reminders simulate`: its options, its files and its three forms."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from reminders import cli
from reminders.clock import SystemClock
from reminders.commands import simulating
from reminders.domain.simulation import Condition, Difference
from reminders.errors import Invalid, NotFound, ReminderError
from reminders.services.csvfile import FileUnreadable
from reminders.showing.rows import COLUMNS, DIFFERENCE_COLUMNS
from tests.house import Local, book, clinic, local

GUIDE = Path(__file__).parents[2] / "docs" / "simulate.md"
WEDNESDAY = "2030-05-08T09:00:00+02:00"


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[Local]:
    """A clinic with one visit, of somebody who has a phone, and one of somebody who has none."""
    with local(sqlite_database_url) as house:
        house.ids = clinic(house, patient={"time_zone": "America/New_York"})
        book(house, house.ids, WEDNESDAY)
        nobody = house.post("patients", {"name": "Eva Sol"})["id"]
        book(house, house.ids, "2030-05-08T11:00:00+02:00", patient_id=nobody)
        yield house


def printed(house: Local, form: str = "table", **changes: Any) -> str:
    asked = {"first": "2030-05-06", "last": "2030-05-12", "location": None, "diff": (), "everything": False} | changes
    file = io.StringIO()
    simulating.simulate(house.service, simulating.Asked(form=form, **asked), Console(file=file, width=80))
    return file.getvalue()


def written(folder: Path, body: Any, name: str = "policy.json") -> str:
    path = folder / name
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return str(path)


DAY = {"steps": [{"offset": "-P1D"}], "quiet_hours": None}
EARLIER = {"steps": [{"offset": "-P1D"}, {"offset": "-PT3H", "unless_confirmed": True}], "quiet_hours": None}


# Forms


def test_the_table_shows_who_gets_what_and_when(house: Local) -> None:
    lines = printed(house).splitlines()
    assert lines[0] == "Tue 07 May 2030, Europe/Madrid"
    assert lines[1].split() == ["09:00", "sms", "es", "+34600000010", "1", "segment", "0.0783", "USD"]
    assert lines[2].strip() == "Tue 03:00 in America/New_York"
    assert "Ana Ruiz" in lines[3]
    assert "Wed 08 May 2030, Europe/Madrid" in lines
    assert any("unless confirmed by then" in line for line in lines)
    assert "2 messages, 2 segments, estimated cost 0.1566 USD." in lines
    assert lines[-2].split() == ["no", "address", "2"]
    assert max(map(len, lines)) <= 80


def test_json_holds_every_column_and_the_sums(house: Local) -> None:
    found = json.loads(printed(house, "json"))
    assert (found["from"], found["to"], found["location_id"]) == ("2030-05-06", "2030-05-12", None)
    assert [set(item) for item in found["items"]] == [set(COLUMNS)] * 2
    first = found["items"][0]
    assert (first["time"], first["recipient_time"]) == ("2030-05-07T09:00:00+02:00", "2030-05-07T03:00:00-04:00")
    assert first["appointment_start"] == WEDNESDAY
    assert found["totals"] == {
        "messages": 2, "segments": 2, "estimated_cost": [{"amount": "0.1566", "currency": "USD"}],
        "channels": {"sms": 2}, "languages": {"es": 2}, "left_out": {"no_address": 2},
    }  # fmt: skip
    assert "left_out_items" not in found


def test_csv_holds_the_same(house: Local) -> None:
    lines = list(csv.DictReader(io.StringIO(printed(house, "csv"))))
    items = json.loads(printed(house, "json"))["items"]
    assert tuple(lines[0]) == COLUMNS
    shown = [{name: "" if value is None else str(value) for name, value in item.items()} for item in items]
    assert [{name: value for name, value in line.items() if name not in {"holiday", "visit_on_holiday", "is_fallback_language"}}
            for line in lines] == [
        {name: item[name] for name in COLUMNS if name not in {"holiday", "visit_on_holiday", "is_fallback_language"}}
        for item in shown
    ]  # fmt: skip
    assert {line["holiday"] for line in lines} == {"false"}


def test_what_would_not_go_out_is_listed_when_asked_for(house: Local) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(house, "csv", everything=True))))
    assert [row["left_out"] for row in rows] == ["", "no_address", "", "no_address"]
    assert len(json.loads(printed(house, "json", everything=True))["left_out_items"]) == 2
    assert printed(house, everything=True).count("no address") == 3
    assert printed(house).count("no address") == 1


def test_a_quiet_week_is_said_to_be_one(house: Local) -> None:
    window = {"first": "2031-01-01", "last": "2031-01-02"}
    assert "0 messages, 0 segments, estimated cost 0." in printed(house, **window)
    assert json.loads(printed(house, "json", **window))["items"] == []
    assert printed(house, "csv", **window).strip() == ",".join(COLUMNS)


def test_names_cannot_style_the_table(house: Local) -> None:
    house.patch(f"patients/{house.ids['patient']}", {"name": "[bold]Ana[/bold]"})
    assert "[bold]Ana[/bold]" in printed(house)


# Comparing


def test_a_file_stands_against_what_is_stored(house: Local, tmp_path: Path) -> None:
    file = written(tmp_path, EARLIER)
    lines = printed(house, diff=[file]).splitlines()
    assert lines[0].startswith("at another time")
    assert "Wed 08 May 2030 07:00 → Wed 08 May 2030 06:00" in lines[0]
    assert [line.split() for line in lines if line.strip().startswith("messages")] == [["messages", "2", "2"]]
    found = json.loads(printed(house, "json", diff=[file]))
    assert (found["policy_a"], found["policy_b"]) == ("as stored", "policy.json")
    assert found["counts"] == {"only_a": 0, "only_b": 0, "other_time": 1, "other_condition": 0}
    assert [(item["difference"], item["a"]["time"][11:16], item["b"]["time"][11:16]) for item in found["differences"]] == [
        ("other_time", "07:00", "06:00")
    ]  # fmt: skip
    assert found["a"]["messages"] == found["b"]["messages"] == 2


def test_two_files_stand_against_each_other(house: Local, tmp_path: Path) -> None:
    files = [written(tmp_path, DAY, "a.json"), written(tmp_path, EARLIER, "b.json")]
    (row,) = csv.DictReader(io.StringIO(printed(house, "csv", diff=files)))
    assert tuple(row) == DIFFERENCE_COLUMNS
    assert (row["difference"], row["time_a"], row["time_b"]) == ("only_b", "", "2030-05-08T06:00:00+02:00")
    assert row["condition_b"] == "unless_confirmed"
    assert printed(house, "csv", diff=files[:1] * 2).splitlines() == [",".join(DIFFERENCE_COLUMNS)]


@pytest.mark.parametrize("quiet", ["own", "none", "country"])
def test_a_policy_as_the_api_shows_it_differs_in_nothing_from_itself(house: Local, tmp_path: Path, quiet: str) -> None:
    hours = {"own": {"quiet_hours": {"start": "22:00", "end": "07:00"}}, "none": {"quiet_hours": None}, "country": {}}
    body = {"name": "Other", "steps": [{"offset": "-P1D", "channels": ["sms", "voice"], "fallback_after": "PT1H"}]}
    made = house.post("reminder-policies", body | hours[quiet], role="admin")
    house.patch(f"services/{house.ids['service']}", {"reminder_policy_id": made["id"]}, role="admin")
    file = written(tmp_path, house.get(f"reminder-policies/{made['id']}"))
    found = json.loads(printed(house, "json", diff=[file]))
    assert found["differences"] == []
    assert found["a"] == found["b"]
    assert found["a"]["messages"] == 2


def test_the_policy_meant_may_be_named_in_either_place(house: Local, tmp_path: Path) -> None:
    house.post("reminder-policies", {"name": "Other", "steps": []}, role="admin")
    wanted = house.ids["policy"]
    inside, outside = (
        written(tmp_path, EARLIER | {"policy_id": wanted}, "in.json"),
        written(tmp_path, EARLIER, "out.json"),
    )
    assert printed(house, "csv", diff=[inside]) == printed(house, "csv", diff=[f"{wanted}={outside}"])
    with pytest.raises(Invalid) as caught:
        printed(house, diff=[outside])
    assert wanted in caught.value.message
    with pytest.raises(Invalid):
        printed(house, diff=[f"pol_other={inside}"])


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ("{", FileUnreadable, "line 1"), ("[]", Invalid, "one policy"), ({"steps": [{"offset": "P1D"}]}, Invalid, "steps.0"),
        ({"steps": [], "colour": 1}, Invalid, "colour"), ({"name": "no steps"}, Invalid, "steps"),
        ({"steps": [], "policy_id": "pol_none"}, NotFound, "pol_none"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_refused(
    house: Local, tmp_path: Path, body: Any, error: type[ReminderError], said: str
) -> None:
    with pytest.raises(error) as caught:
        printed(house, diff=[written(tmp_path, body)])
    assert said in caught.value.message


def test_a_file_that_cannot_be_read_is_refused(house: Local, tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    for path in (tmp_path / "none.json", tmp_path, tmp_path / "latin.json"):
        with pytest.raises(FileUnreadable):
            printed(house, diff=[str(path)])


def test_three_policies_are_one_too_many(house: Local, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        printed(house, diff=[written(tmp_path, DAY)] * 3)


# The command itself


def command(url: str, *options: str) -> Any:
    return CliRunner().invoke(cli.main, ["simulate", *options], env={"REMINDERS_DATABASE_URL": url, "COLUMNS": "80"})


@pytest.fixture
def tomorrow(sqlite_database_url: str) -> tuple[str, datetime]:
    """The database of a clinic by the real clock, and the start of its one visit."""
    start = SystemClock().now()
    visit = (start + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    hours = [{"weekday": day, "start": "00:00", "end": "24:00"} for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")]
    with local(sqlite_database_url, start) as house:
        ids = clinic(house, location={"time_zone": "UTC"}, provider={"hours": hours})
        book(house, ids, visit.isoformat())
    return sqlite_database_url, visit


def test_the_command_prints_and_stores_nothing(tomorrow: tuple[str, datetime]) -> None:
    url, visit = tomorrow
    path = Path(url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    days = ("--from", str(visit.date() - timedelta(days=1)), "--to", str(visit.date()))
    done = command(url, *days, "--format", "json")
    assert done.exit_code == 0, done.output
    items = json.loads(done.stdout)["items"]
    assert [datetime.fromisoformat(item["time"]).astimezone(UTC) for item in items] == [
        visit - timedelta(days=1), visit - timedelta(hours=2)
    ]  # fmt: skip
    assert "2 messages" in command(url, *days).stdout
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "today", "--to", "2030-05-06"), "from must be a day"),
        (("--from", "2030-05-07", "--to", "2030-05-06"), "ends before it begins"),
        (("--from", "2030-01-01", "--to", "2032-01-01"), "at most 366 days"),
        (("--from", "2020-01-01", "--to", "2020-01-02"), "is over"),
        (("--from", "2030-05-06", "--to", "2030-05-06T09:00"), "offset"),
        (("--from", "2030-05-06", "--to", "2030-05-07", "--location", "loc_none"), "no location loc_none"),
        (("--from", "2030-05-06"), "--to"),
        (("--from", "2030-05-06", "--to", "2030-05-07", "--format", "xml"), "xml"),
    ],
)
def test_a_question_without_sense_is_refused_in_one_sentence(
    tomorrow: tuple[str, datetime], options: tuple[str, ...], said: str
) -> None:
    done = command(tomorrow[0], *options)
    assert done.exit_code != 0
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_the_guide_explains_every_column_and_code() -> None:
    guide = GUIDE.read_text("utf-8")
    names = {*COLUMNS, *DIFFERENCE_COLUMNS, *(one.value for one in (*Condition, *Difference))}
    assert [name for name in sorted(names) if f"`{name}`" not in guide] == []
