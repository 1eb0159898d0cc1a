"""Old deletions are forgotten and programs begin anew; what repeats goes on taking up time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from reminders.store.tables import CalendarEntry, Hold
from tests.house import Local, book
from tests.web.test_dav import XMLNS, Phone, condition, device, event

HALF_A_YEAR = timedelta(days=180)


@pytest.fixture
def phone(web: Local) -> Phone:
    return device(web)


def later(web: Local, by: timedelta) -> None:
    web.clock.advance(by)
    web.tick()


def known(phone: Phone, token: str) -> bool:
    body = f"<D:sync-collection {XMLNS}><D:sync-token>{token}</D:sync-token><D:prop/></D:sync-collection>"
    answer = phone("REPORT", body=body)
    assert answer.status == 207 or condition(answer) == "valid-sync-token"
    return answer.status == 207


def test_deletions_are_told_for_half_a_year(web: Local, phone: Phone) -> None:
    phone("PUT", "one.ics", event("one"))
    phone("PUT", "two.ics", event("two", "20300508T140000", "20300508T150000"))
    _, before = phone.sync()
    phone("DELETE", "one.ics")
    _, after = phone.sync()
    later(web, HALF_A_YEAR - timedelta(hours=2))
    assert phone.sync(before)[0] == {"one.ics": "HTTP/1.1 404 Not Found"}
    later(web, timedelta(hours=3))
    assert (known(phone, before), known(phone, after)) == (False, True)
    assert phone.sync(after)[0] == {}
    assert set(phone.sync()[0]) == {"two.ics"}, "who begins anew gets all there is"
    with web.service.database.read() as tx:
        assert tx.execute(select(func.count()).where(CalendarEntry.deleted)).scalar_one() == 0
    visit = book(web, web.ids, "2030-12-09T09:00:00+01:00")
    assert set(phone.sync(after)[0]) == {f"{visit['id']}.ics"}, "counting goes on"


def test_what_repeats_takes_up_time_years_later(web: Local, phone: Phone) -> None:
    weekly = event("staff", "20300508T120000", "20300508T130000", "RRULE:FREQ=WEEKLY\r\n")
    assert phone("PUT", "staff.ics", weekly).status == 201
    own = phone("GET", "staff.ics")

    def last() -> int:
        with web.service.database.read() as tx:
            return tx.execute(select(func.max(Hold.end_at))).scalar_one().year  # type: ignore[no-any-return]

    assert last() == 2035
    later(web, timedelta(days=3 * 365))
    assert last() == 2038
    again = phone("GET", "staff.ics")
    assert (again.text, again.headers["ETag"]) == (own.text, own.headers["ETag"]), "programs see no change"
    phone("DELETE", "staff.ics")
    later(web, timedelta(days=2 * 365))
    with web.service.database.read() as tx:
        assert tx.execute(select(func.count()).select_from(Hold)).scalar_one() == 0
