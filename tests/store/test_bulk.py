"""Many rows in one statement: whatever a text holds arrives as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy import text as sql

from reminders.domain.delivery import State
from reminders.store.bulk import insert_rows, update_rows
from reminders.store.engine import Database
from reminders.store.tables import Message

TABLE = Message.__table__
NOW = datetime(2031, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
TEXTS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5)


def rows(bodies):
    common = {"direction": "out", "channel": "sms", "kind": "reminder", "phone": "", "state": State.UNCERTAIN}
    return [
        {"uid": f"msg_{number}", "body": body, "token": None, "segments": number, "created_at": NOW, **common}
        for number, body in enumerate(bodies)
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_texts_arrive_as_they_were(database: Database, bodies):
    with database.write() as tx:
        tx.execute(delete(TABLE))
        insert_rows(tx, TABLE, rows(bodies))
        query = select(TABLE.c.body, TABLE.c.token, TABLE.c.created_at, TABLE.c.state).order_by(TABLE.c.segments)
        found = tx.execute(query).all()
        assert [tuple(row) for row in found] == [(body, None, NOW, "uncertain") for body in bodies]


@pytest.mark.parametrize("text", ['"', "\\", "{a,b}", "NULL", "", " ", "a'b", '\\"},{', "né\n\t"])
def test_awkward_texts_are_stored_and_changed(database: Database, text):
    with database.write() as tx:
        insert_rows(tx, TABLE, rows([text]))
        later = NOW + timedelta(seconds=1)
        assert update_rows(tx, TABLE, "uid", [{"uid": "msg_0", "body": text + text, "sent_at": later}]) == 1
        assert tuple(tx.execute(select(TABLE.c.body, TABLE.c.sent_at)).one()) == (text + text, later)


def test_a_value_that_no_column_has_is_refused(database: Database):
    if database.is_sqlite:
        pytest.skip("SQLite takes the rows as they are")
    with pytest.raises(TypeError, match="set"), database.write() as tx:
        insert_rows(tx, TABLE, [{**rows([""])[0], "body": set()}])


def test_no_plan_outlives_the_table_it_was_made_for(database: Database):
    """A plan made while the table was empty looks at every row of it, however many there are later."""
    if database.is_sqlite:
        pytest.skip("SQLite finds its way by the indexes alone")
    with database.write() as tx:
        for number in range(12):  # the driver keeps the plan of what it sees more often than five times
            insert_rows(tx, TABLE, [{**rows([""])[0], "uid": f"msg_{number}"}])
            update_rows(tx, TABLE, "uid", [{"uid": f"msg_{number}", "body": "x"}])
        kept = tx.execute(sql("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%unnest%'")).all()
    assert kept == []
