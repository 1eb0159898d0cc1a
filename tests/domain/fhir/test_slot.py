"""Time that a slot opens, as an exception of a provider's week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reminders.domain.availability import Timetable, openings
from reminders.domain.fhir.slot import FREE, Stretch, opening
from reminders.errors import Invalid

MADRID = ZoneInfo("Europe/Madrid")
#: Around the nights in which clocks are put forward and back.
NIGHTS = [datetime(2030, 3, 30, 20, tzinfo=UTC), datetime(2030, 10, 26, 20, tzinfo=UTC)]


@given(st.sampled_from(NIGHTS), st.integers(0, 2000), st.integers(1, 1600))
@example(datetime(2030, 5, 7, tzinfo=UTC), 20 * 60, 2 * 60)  # until midnight there
def test_what_is_opened_is_open_and_nothing_else(night: datetime, begin: int, minutes: int) -> None:
    start = night + timedelta(minutes=begin)
    end = start + timedelta(minutes=minutes)
    try:
        day = opening(Stretch("prv_1", start, end, FREE), MADRID)
    except Invalid:
        in_one_day = start.astimezone(MADRID).date() == (end - timedelta(seconds=1)).astimezone(MADRID).date()
        assert not in_one_day or _is_repeated(start) or _is_repeated(end)
        return
    found = openings(Timetable(MADRID, exceptions=(day,)), day.first)
    assert found == ((int(start.timestamp()), int(end.timestamp())),)


def _is_repeated(moment: datetime) -> bool:
    """A wall time that comes twice, which an exception cannot tell apart."""
    wall = moment.astimezone(MADRID)
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset() or wall.hour == 3


@pytest.mark.parametrize("seconds", [(30, 0), (0, 30)])
def test_only_full_minutes_are_opened(seconds: tuple[int, int]) -> None:
    start, end = (datetime(2030, 5, 7, 16 + n, 0, second, tzinfo=UTC) for n, second in enumerate(seconds))
    with pytest.raises(Invalid):
        opening(Stretch("prv_1", start, end, FREE), MADRID)
