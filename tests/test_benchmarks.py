"""The measuring tools themselves: statistics, the load generator against a small server, the sheet, the options."""

from __future__ import annotations

import importlib
import math
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import brokers, caldav, ical, loadgen, report, reports, scenario, stats
from benchmarks.dispatching import arrivals, clinic, outage, rawclaims
from benchmarks.dispatching.arrivals import Arrivals
from benchmarks.dispatching.inside import Seen
from benchmarks.loadgen import LoadError, Response, Result
from benchmarks.stubdesk import Accepted
from reminders.store import claims
from reminders.store.engine import Database

TOP = Path(__file__).resolve().parents[1]
MODULES = sorted(
    ".".join(path.relative_to(TOP / "benchmarks").with_suffix("").parts)
    for folder in (TOP / "benchmarks", TOP / "benchmarks" / "dispatching")
    for path in folder.glob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("name", MODULES)
def test_imports(name: str) -> None:
    assert importlib.import_module(f"benchmarks.{name}").__doc__


@pytest.mark.parametrize("path", sorted((TOP / "benchmarks" / "peers").rglob("*.py")), ids=lambda path: path.name)
def test_peer_project_compiles(path: Path) -> None:  # it runs where Django is, not here
    compile(path.read_text(encoding="utf-8"), str(path), "exec")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("slots", [], {"database": "sqlite", "quick": False}),
        ("slots", ["--database", "postgresql", "--quick"], {"database": "postgresql", "quick": True}),
        ("booking", ["--quick"], {"database": "sqlite", "quick": True}),
        ("peer", ["--bookings", "8"], {"bookings": 8, "races": 3}),
        ("rawlimits", ["--seconds", "0.5"], {"seconds": 0.5}),
        ("ical", ["--quick"], {"quick": True}),
        ("caldav", [], {"quick": False}),
        ("reports", ["--visits", "5000"], {"visits": 5000, "years": 3, "database": "sqlite", "quick": False}),
        ("dispatch", ["--quick", "--scenario", "s1,S11"], {"quick": True, "scenario": ["S1", "S11"]}),
        ("dispatch", ["--peers", "none"], {"peers": [], "scenario": ["S1", "S2", "S3", "S4", "S5", "S6", "S11"]}),
        ("dispatch", ["--peers", "dramatiq,Celery"], {"peers": ["dramatiq", "celery"], "database": "sqlite"}),
        ("loadgen", ["http://127.0.0.1:1/x", "--clients", "2"], {"url": "http://127.0.0.1:1/x", "clients": 2}),
    ],
)
def test_options(name: str, arguments: list[str], expected: dict[str, object]) -> None:
    given = vars(importlib.import_module(f"benchmarks.{name}").parser().parse_args(arguments))
    assert expected.items() <= given.items()


def test_unknown_database_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module("benchmarks.slots").parser().parse_args(["--database", "oracle"])
    assert "oracle" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--scenario", "S7"], ["--peers", "cron"]])
def test_unknown_scenarios_and_peers_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module("benchmarks.dispatch").parser().parse_args(arguments)
    assert "unknown" in capsys.readouterr().err


# Statistics


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.99, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),  # nearest rank, no interpolation
        ([1.0, 2.0, 3.0, 4.0], 0.51, 3.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([1.0, 2.0], 0.0, 1.0),
    ],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert stats.percentile(values, share) == expected


def test_percentile_of_nothing() -> None:
    assert math.isnan(stats.percentile([], 0.5))


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([100.0, 1000.0, 120.0], [10.0, 12.0, 11.0], 120 / 11),  # one wild repetition does not decide
        ([1.0], [2.0], 0.5),
        ([1.0, 1.0], [0.0, 0.0], math.inf),
    ],
)
def test_ratio_of_medians(ours: list[float], theirs: list[float], expected: float) -> None:
    assert stats.ratio_of_medians(ours, theirs) == expected


def test_alternate_takes_turns() -> None:
    order: list[str] = []
    told: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    seen = stats.alternate({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3, told.append)
    assert order == ["a", "b"] * 3
    assert seen == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert told[-1] == "b (3 of 3)"


# Reading answers


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi")),
        (b"HTTP/1.1 201 Created\r\ncontent-length:0\r\n\r\n", (201, b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n ho\r\n0\r\n\r\n", (200, b"hi ho")),
    ],
)
def test_parse(data: bytes, expected: tuple[int, bytes]) -> None:
    answer = loadgen.parse(data)
    assert answer is not None
    assert (answer.status, answer.body) == expected
    # Cut off anywhere, it waits for the rest. An answer without a body is complete with its head.
    assert [loadgen.parse(data[:length]) for length in range(len(data))] == [None] * len(data)


def test_parse_refuses_other_protocols() -> None:
    with pytest.raises(LoadError, match="not an HTTP"):
        loadgen.parse(b"SSH-2.0-x\r\n\r\n")


def test_header_is_found_in_any_case() -> None:
    answer = Response(302, b"HTTP/1.1 302 Found\r\nlocation: /thanks/7/", b"")
    assert (answer.header("Location"), answer.header("X-Other")) == ("/thanks/7/", "")


def test_request_bytes() -> None:
    assert loadgen.request("GET", "/a") == b"GET /a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert loadgen.request("POST", "/a", {"X": "1"}, b"{}").endswith(b"X: 1\r\nContent-Length: 2\r\n\r\n{}")


# Loading a server


class _Echo(BaseHTTPRequestHandler):
    """Answers with the path; /teapot with 418; /hang-up closes the connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/hang-up":
            self.close_connection = True
            return
        body = self.path.encode()
        self.send_response(418 if self.path == "/teapot" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield ("127.0.0.1", server.server_port)
        server.shutdown()
        thread.join()


def test_every_request_is_sent_once(address: tuple[str, int]) -> None:
    requests = [loadgen.request("GET", f"/{n}") for n in range(25)]
    result = loadgen.run(address, loadgen.deal(requests, 4))
    assert (result.count, result.statuses) == (25, Counter({200: 25}))
    assert result.latencies == sorted(result.latencies)
    assert sum(result.latencies) > 0
    assert result.rate == pytest.approx(25 / result.seconds)


def test_endless_scripts_end_with_the_time(address: tuple[str, int]) -> None:
    result = loadgen.run(address, loadgen.spread([loadgen.request("GET", "/x")], 3), seconds=0.05)
    assert result.count >= 3
    assert result.seconds >= 0.05


def test_answers_are_sent_into_the_script(address: tuple[str, int]) -> None:
    answers = loadgen.ask(address, loadgen.request("GET", "/one"), loadgen.request("GET", "/two"))
    assert [answer.body for answer in answers] == [b"/one", b"/two"]


def test_more_clients_than_requests(address: tuple[str, int]) -> None:
    assert loadgen.run(address, loadgen.deal([loadgen.request("GET", "/x")], 8)).count == 1


def test_an_unexpected_status_is_no_result(address: tuple[str, int]) -> None:
    result = loadgen.run(address, [loadgen.each([loadgen.request("GET", "/teapot")])])
    assert result.only(418) is result
    with pytest.raises(LoadError, match="418"):
        result.only(200)


def test_a_closed_connection_is_an_error(address: tuple[str, int]) -> None:
    with pytest.raises(LoadError, match="closed"):
        loadgen.ask(address, loadgen.request("GET", "/hang-up"))


def test_clients_start_at_different_requests() -> None:
    scripts = loadgen.spread([b"0", b"1", b"2", b"3"], 2)
    assert [next(script) for script in scripts] == [b"0", b"2"]


# The scenario


def test_scenario_has_the_sizes_of_the_targets() -> None:
    plan = scenario.standard(date(2030, 1, 1))
    assert (len(plan.booked()), len(plan.free()), len(plan.starts)) == (12_000, 12_000, 20)
    assert (plan.starts[0], plan.starts[-1]) == (time(9), time(18, 30))
    assert not set(plan.booked()) & set(plan.free())
    assert plan.dates[0] == date(2030, 1, 3)


def test_scenario_is_the_same_every_time() -> None:
    one, other = (scenario.standard(date(2030, 1, 1)) for _ in range(2))
    assert one.free() == other.free()
    assert one.searches() == other.searches()
    assert {day for _, day in one.searches()} <= set(one.dates[:30])


# The sheet


def _rates(*rates: float) -> list[Result]:
    return [Result(1.0, int(rate), [0.001]) for rate in rates]


def test_a_missed_speed_is_shown_but_does_not_fail_the_run() -> None:
    sheet = report.Sheet("t")
    sheet.ratio("slow", _rates(90, 100, 5000), "peer", _rates(10, 10, 10), 20)
    sheet.at_most("p99", 30.0, 20.0, "ms")
    assert [(line.ratio, line.passed) for line in sheet.lines] == [("10.0x", False), ("", False)]
    assert "FAIL" in sheet.lines[0].verdict
    assert sheet.exit_code == 0


def test_a_sheet_judges_floors_and_quotients() -> None:
    sheet = report.Sheet("t")
    sheet.at_least("rate", 11_999.0, 12_000, "/s")
    sheet.quotient("kept", "8", "10", 0.8, 0.8)
    sheet.quotient("shown", "8", "10", 0.1)
    assert [(line.ratio, line.target, line.passed) for line in sheet.lines] == [
        ("", "≥ 12,000/s", False), ("80 %", "≥ 80 %", True), ("10 %", "", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("seen", "code"), [(10, 0), (9, 1), (11, 1)])
def test_a_failed_correctness_line_fails_the_run(seen: int, code: int) -> None:
    sheet = report.Sheet("t")
    sheet.note("information", "42")
    sheet.exactly("races with one winner", seen, 10)
    assert sheet.exit_code == code


@pytest.mark.parametrize(("ratio", "shown"), [(23.44, "23.4x"), (1.0, "1.0x"), (0.183, "18 %"), (math.inf, "∞")])
def test_ratios_read_well(ratio: float, shown: str) -> None:
    assert report.times(ratio) == shown


def test_a_race_is_right_only_with_one_winner_and_one_visit() -> None:
    booking = importlib.import_module("benchmarks.booking")
    won = Counter({"201": 1, "409": 7, "slot_taken": 7})
    twice = Counter({"201": 2, "409": 6, "slot_taken": 6})
    assert booking.Races([won, won, twice], [1, 2, 2]).right == 1


# Sending


def _arrivals(*messages: tuple[int, float]) -> Arrivals:
    return Arrivals([Accepted("SM", f"SM{at}", clinic.phone(number), "text", at, True) for number, at in messages])


def test_arrivals_count_what_was_lost_and_what_came_twice() -> None:
    seen = _arrivals((0, 10.0), (1, 10.5), (0, 11.0), (3, 11.5))
    assert (seen.sent, seen.repeated) == (3, 1)


@pytest.mark.parametrize(("began", "expected"), [(9.0, 4 / 2.6), (None, 4 / 1.6)])
def test_a_rate_counts_until_the_last_was_answered(began: float | None, expected: float) -> None:
    seen = _arrivals((0, 10.0), (1, 10.5), (2, 11.0), (3, 11.5))
    assert seen.rate(began, latency=0.1).rate == pytest.approx(expected)


def test_nothing_arrived_is_a_rate_of_nothing() -> None:
    assert _arrivals().rate(None, latency=0.1).rate == 0


def test_latency_is_from_due_to_arrival() -> None:
    seen = _arrivals((0, 10.25), (2, 10.5), (1, 12.0)).latencies(lambda to: 10.0 + arrivals.number(to))
    assert seen.latencies == [-1.5, 0.25, 1.0]


@pytest.mark.parametrize(
    ("order", "expected"), [([0, 1, 2, 3], 0), ([1, 0, 2, 3], 1), ([3, 0, 1, 2], 3), ([0, 2, 3], 0), ([], 0)]
)
def test_disorder_is_the_farthest_from_its_place(order: list[int], expected: int) -> None:
    seen = _arrivals(*((number, 10.0 + place) for place, number in enumerate(order)))
    assert outage.disorder(seen, [0, 1, 2, 3]) == expected


def test_rates_within_a_run() -> None:
    seen = Seen(count=4000, seconds=5.0, marks=[1.0, 2.0, 4.0, 8.0])
    assert (seen.rate_between(0, 2000), seen.rate_between(2000, 4000)) == (1000.0, 2000 / 6)


def test_a_missing_broker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(brokers.Missing, match=r"no-such-server is not installed .*apt-get install some-package"):
        brokers.find("no-such-server", "some-package")


@pytest.fixture
def seeded(database_url: str) -> Iterator[clinic.Clinic]:
    made = clinic.Clinic(database_url, visits=3)
    yield made
    made.close()


def test_a_clinic_has_reminders_that_the_product_can_send(seeded: clinic.Clinic) -> None:
    seeded.due(3, datetime.now(UTC) - timedelta(seconds=5), timedelta(seconds=1))
    database = Database(seeded.url, pool_size=1)
    with database.read() as tx:
        found = claims.first_due(tx, "sms", datetime(2020, 1, 1, tzinfo=UTC))
        rows = claims.details(tx, [1, 2, 3])
    database.close()
    assert found == rows[0].due_at
    assert [row.patient_phone for row in rows] == [clinic.phone(number) for number in range(3)]
    assert {row.status for row in rows} == {"booked"}


def test_a_clinic_knows_what_is_open(seeded: clinic.Clinic) -> None:
    now = datetime.now(UTC)
    seeded.due(2, now)
    seeded.due(3, now)
    seeded.tighten(3, timedelta(seconds=1))
    assert (seeded.states(), seeded.open()) == (Counter(planned=3), 3)  # of the last plan
    seeded.withdraw()
    assert (seeded.states(), seeded.open()) == (Counter(withdrawn=3), 0)


@pytest.mark.parametrize("verb", ["claim", "cycle"])
def test_raw_claims_take_every_row_once(verb: str, tmp_path: Path) -> None:
    seen = rawclaims.measure(f"sqlite:///{tmp_path}/raw.db", pending=2500, count=5000, verb=verb)
    with closing(sqlite3.connect(tmp_path / "raw.db")) as connection:
        states = dict(connection.execute("SELECT status, count(*) FROM raw GROUP BY status").fetchall())
    assert (seen["count"], len(seen["marks"])) == (2500, 2)
    assert states == {"sending" if verb == "claim" else "sent": 2500}


# Calendars


def test_the_feed_that_is_measured_is_the_right_one(tmp_path: Path) -> None:
    found = {line.measure: line for line in ical.run(tmp_path, visits=30, repetitions=1).lines}
    assert found["visits that icalendar reads in it, at their times"].passed
    assert found["answers to it"].passed


def test_the_sheet_of_the_calendar_servers() -> None:
    names = ("PUT", "GET", "PROPFIND depth 1", "first sync", "sync of 1 change, small", "sync of 1 change, huge")
    seen = {
        "product": [dict.fromkeys(names, 0.01)],
        "Radicale": [dict.fromkeys(names, 0.02)],
        "Xandikos": [dict.fromkeys(names, 0.005)],
    }
    held = caldav.QUICK.big + caldav.QUICK.requests * caldav.QUICK.repetitions
    made = caldav.sheet(seen, caldav.QUICK, {"product": (held, held), "Radicale": (held, 0)})
    verdicts = {(line.measure, line.against.split()[0] if line.against else ""): line.passed for line in made.lines}
    assert verdicts["PUT", "Radicale"]
    assert verdicts["PUT", "Xandikos"] is None
    assert verdicts["sync of 1 change in 100", "Radicale"] is False
    assert verdicts["sync of 1 change in 100", "Xandikos"] is False
    assert made.exit_code == 1


def test_reports_over_a_made_up_past_are_measured_and_compared() -> None:
    with reports.databases("sqlite") as create:
        sheet = reports.run(create, reports.Effort(visits=400, years=0.15, repetitions=1), "Small")
    [differing] = [line for line in sheet.lines if line.correctness]
    assert differing.passed, differing.ours
    assert any(line.measure == "slowest of all, p95" for line in sheet.lines)
