"""What dates and tokens of a search mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.fhir.search import Span, Token, span, token
from reminders.errors import Invalid

MADRID = ZoneInfo("Europe/Madrid")
moments = st.integers(0, 10**15).map(lambda number: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=number))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [("2030", "2029-12-31T23:00Z", "2030-12-31T23:00Z"), ("2030-12", "2030-11-30T23:00Z", "2030-12-31T23:00Z"),
     ("2030-05-06", "2030-05-05T22:00Z", "2030-05-06T22:00Z"),
     ("2030-03-31", "2030-03-30T23:00Z", "2030-03-31T22:00Z"),  # the day the clocks change has 23 hours
     ("2030-05-06T09:00", "2030-05-06T07:00Z", "2030-05-06T07:01Z"), ("2030-05-06T09:00Z", "2030-05-06T09:00Z", "2030-05-06T09:01Z"),
     ("2030-05-06T09:00:00 02:00", "2030-05-06T07:00Z", "2030-05-06T07:00:01Z"),
     ("2030-05-06T09:00:00.5Z", "2030-05-06T09:00:00.5Z", "2030-05-06T09:00:00.6Z"),
     ("2030-05-06T09:00:00.123456789Z", "2030-05-06T09:00:00.123456Z", "2030-05-06T09:00:00.123457Z"),
     ("ge2030-05-06", "2030-05-05T22:00Z", None), ("gt2030-05-06", "2030-05-06T22:00Z", None),
     ("sa2030-05-06", "2030-05-06T22:00Z", None), ("lt2030-05-06", None, "2030-05-05T22:00Z"),
     ("eb2030-05-06", None, "2030-05-05T22:00Z"), ("le2030-05-06", None, "2030-05-06T22:00Z")],
)  # fmt: skip
def test_dates(text: str, since: str | None, until: str | None) -> None:
    assert span(text, MADRID, "date") == Span(at(since) if since else None, at(until) if until else None)


@pytest.mark.parametrize("text", ["", "soon", "ne2030", "ap2030", "2030-13", "2030-02-30", "2030-05-06T25:00Z", "2030-05-06T09Z",
                                  "0001-01-01", "9999-12-31", "20300506", "2030-05-06T09:00:00+99:00", "ge", "x2030"])  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        span(text, MADRID, "date")
    assert caught.value.field == "date"


@given(moments, moments)
def test_a_moment_is_before_within_or_after(value: datetime, other: datetime) -> None:
    """Of lt, eq and gt exactly one holds; ge is eq or gt, le is eq or lt."""
    text = value.strftime("%Y-%m-%dT%H:%M:%SZ")

    def holds(prefix: str) -> bool:
        found = span(prefix + text, MADRID, "date")
        return (found.since is None or found.since <= other) and (found.until is None or other < found.until)

    assert [holds("lt"), holds("eq"), holds("gt")].count(True) == 1
    assert holds("ge") == (holds("eq") or holds("gt"))
    assert holds("le") == (holds("eq") or holds("lt"))
    assert holds("eq") == (timedelta() <= other - value.replace(microsecond=0) < timedelta(seconds=1))


def test_tokens() -> None:
    assert token("v") == Token(None, "v")
    assert token("urn:x|v|w") == Token("urn:x", "v|w")
    assert token("|v") == Token("", "v")
    assert token("urn:x|") == Token("urn:x", "")
