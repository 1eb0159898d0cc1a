"""How a stored sum learns that it is out of date: triggers, which no way of changing a visit can go around.

Whatever a report counts a past visit by leaves a mark on its day when it changes: the visit itself, its reminders and
messages, a price that comes late, the language of its patient. What a patient did is part of what is known about the
later visits, so these days are marked, too; and so are those of the visits booked later, when it may be another visit by
which the patient takes part in a trial. These texts are what a migration ran: change them by a new one.

Every change is a row of its own, so that writers never wait for each other, and a roll-up removes only the marks it saw
before it counted. A day becomes part of what is stored (``rollup_state``) only while no writer is under way: writers
hold a shared advisory lock until they commit. SQLite has one writer at a time anyway.
"""

from __future__ import annotations

#: What the lock between writers and the roll-up is called.
LOCK = "hashtextextended('rollup days', 0)"

#: Columns that a report counts by, table by table.
WATCHED = {
    "appointment": (
        "status", "confirmation", "local_day", "start_at", "end_at", "busy_start", "busy_end", "occupies", "timed",
        "lead_days", "booked_at", "location_id", "provider_id", "service_id", "patient_id", "version",
    ),
    "reminder": ("state", "reason", "kind", "step", "channel", "appointment_id"),
    "message": (
        "state", "kind", "channel", "direction", "segments", "price", "price_currency", "estimated", "provider_sid",
        "estimated_currency", "reminder_id", "appointment_id",
    ),
    "patient": ("language",),
    "location": ("language", "time_zone"),
}  # fmt: skip

_LATER = """SELECT a.local_day FROM appointment a WHERE a.patient_id = {row}.patient_id AND a.local_day <= {upto}
        AND (a.start_at >= {start} OR ({anew} AND a.booked_at {since} {booked}))"""
_ENROLMENT = "({}.patient_id, {}.service_id, {}.booked_at)"

_DAYS = {
    "reminder": "SELECT a.local_day FROM appointment a WHERE a.id = {row}.appointment_id AND a.local_day <= {upto}",
    "message": """SELECT a.local_day FROM appointment a WHERE a.id = {row}.appointment_id AND a.local_day <= {upto}
        UNION SELECT a.local_day FROM reminder r JOIN appointment a ON a.id = r.appointment_id
        WHERE r.id = {row}.reminder_id AND a.local_day <= {upto}
        UNION SELECT {written} WHERE {row}.appointment_id IS NULL AND {written} <= {upto}""",
    "patient": "SELECT a.local_day FROM appointment a WHERE a.patient_id = {row}.id AND a.local_day <= {upto}",
    "location": "SELECT a.local_day FROM appointment a WHERE a.location_id = {row}.id AND a.local_day <= {upto}",
}
_EVENTS = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}
#: Nobody counts what has no visits yet, and nothing with visits is ever deleted.
_ONLY_UPDATES = frozenset({"patient", "location"})


def _least(rows: tuple[str, ...], column: str, function: str) -> str:
    if len(rows) == 1:
        return f"{rows[0]}.{column}"
    return f"{function}(OLD.{column}, NEW.{column})"


def _days(table: str, rows: tuple[str, ...], upto: str, written: str, least: str, differ: str) -> str:
    """A query for the days on which one change leaves a mark."""
    found = []
    for row in rows:
        if table != "appointment":
            found.append(_DAYS[table].format(row=row, upto=upto, written=written.format(row)))
            continue
        anew = differ.format(*(_ENROLMENT.format(one, one, one) for one in rows)) if len(rows) > 1 else "1 = 1"
        # of two booked at once the one with the lower number counts, and a new one has the highest
        since = ">" if rows == _EVENTS["insert"] else ">="
        start, booked = _least(rows, "start_at", least), _least(rows, "booked_at", least)
        found.append(f"SELECT {row}.local_day WHERE {row}.local_day <= {upto}")
        found.append(_LATER.format(row=row, upto=upto, start=start, booked=booked, anew=anew, since=since))
    return "\n        UNION ".join(found)


def _changed(table: str, differ: str) -> str:
    columns = WATCHED[table]
    before, after = (f"({', '.join(f'{row}.{name}' for name in columns)})" for row in ("OLD", "NEW"))
    return differ.format(before, after)


def _postgresql(table: str) -> list[str]:
    found = []
    for event, rows in _EVENTS.items():
        if table in _ONLY_UPDATES and event != "update":
            continue
        differ = "{} IS DISTINCT FROM {}"
        days = _days(table, rows, "upto", "({}.created_at AT TIME ZONE 'UTC')::date", "least", differ)
        name = f"{table}_stale_{event}"
        found.append(f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE upto date;
    BEGIN
        PERFORM pg_advisory_xact_lock_shared({LOCK});
        SELECT through INTO upto FROM rollup_state;
        IF upto IS NOT NULL THEN
            INSERT INTO stale_day (day) {days};
        END IF;
        RETURN NULL;
    END $$""")
        when = f"WHEN ({_changed(table, differ)})" if event == "update" else ""
        of = f"UPDATE OF {', '.join(WATCHED[table])}" if event == "update" else event.upper()
        found.append(
            f"CREATE TRIGGER {name} AFTER {of} ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {name}()"
        )  # fmt: skip
    return found


def _sqlite(table: str) -> list[str]:
    found = []
    for event, rows in _EVENTS.items():
        if table in _ONLY_UPDATES and event != "update":
            continue
        differ = "{} IS NOT {}"
        days = _days(
            table, rows, "(SELECT through FROM rollup_state)", "date({}.created_at / 1000000, 'unixepoch')", "min",
            differ,
        )  # fmt: skip
        when = f"WHEN {_changed(table, differ)}" if event == "update" else ""
        of = f"UPDATE OF {', '.join(WATCHED[table])}" if event == "update" else event.upper()
        found.append(f"""CREATE TRIGGER {table}_stale_{event} AFTER {of} ON {table} {when} BEGIN
        INSERT INTO stale_day (day) {days};
    END""")
    return found


POSTGRESQL = tuple(statement for table in WATCHED for statement in _postgresql(table))
SQLITE = tuple(statement for table in WATCHED for statement in _sqlite(table))
