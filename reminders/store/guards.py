"""Why double booking cannot happen: constraints that the database keeps, whatever the code does.

PostgreSQL gets an exclusion constraint. No extension is needed because the provider's number goes in as a range of one
element. SQLite gets triggers with the same meaning. Both look at half-open ranges that include the buffers, and only at
visits that occupy the provider's time. These texts are what the first migration ran: change them by a new migration.

The exclusion constraint alone lets two simultaneous bookings of one slot wait for each other, until PostgreSQL ends the
deadlock a second later. So bookings of the same provider and hour queue up first (advisory locks until the commit,
taken in order of time); those of other hours and providers do not wait.
"""

from __future__ import annotations

OVERLAP = "appointment_no_overlap"
SHAPE = "ck_appointment_busy"
QUEUE = "appointment_queue"

#: Microseconds; no visit with its buffers is longer, so a look-back of two days sees every overlap through the index.
LONGEST = 172_800_000_000

POSTGRESQL = (
    f"""ALTER TABLE appointment ADD CONSTRAINT {SHAPE} CHECK (
        NOT occupies OR (provider_id IS NOT NULL
        AND busy_end > busy_start AND busy_end - busy_start <= interval '2 days'))""",
    f"""ALTER TABLE appointment ADD CONSTRAINT {OVERLAP} EXCLUDE USING gist (
        int8range(provider_id, provider_id, '[]') WITH &&,
        tstzrange(busy_start, busy_end, '[)') WITH &&) WHERE (occupies)""",
    f"""CREATE FUNCTION {QUEUE}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.busy_end - NEW.busy_start <= interval '2 days' THEN
            FOR hour IN floor(extract(epoch FROM NEW.busy_start) / 3600)::int
                     .. ceil(extract(epoch FROM NEW.busy_end) / 3600)::int - 1 LOOP
                PERFORM pg_advisory_xact_lock((NEW.provider_id % 2147483647)::int, hour);
            END LOOP;
        END IF;
        RETURN NEW;
    END $$""",
    f"""CREATE TRIGGER {QUEUE} BEFORE INSERT OR UPDATE OF provider_id, busy_start, busy_end, occupies ON appointment
        FOR EACH ROW WHEN (NEW.occupies) EXECUTE FUNCTION {QUEUE}()""",
)

_CHECKS = f"""
    WHEN NEW.occupies <> 0 BEGIN
        SELECT RAISE(ABORT, '{SHAPE}')
        WHERE NEW.occupies <> 1 OR NEW.provider_id IS NULL OR NEW.busy_end - NEW.busy_start NOT BETWEEN 1 AND {LONGEST};
        SELECT RAISE(ABORT, '{OVERLAP}') WHERE EXISTS (
            SELECT 1 FROM appointment a
            WHERE a.occupies = 1 AND a.provider_id = NEW.provider_id AND a.id <> NEW.id
              AND a.busy_start < NEW.busy_end AND a.busy_start > NEW.busy_start - {LONGEST}
              AND a.busy_end > NEW.busy_start);
    END"""

SQLITE = (
    f"CREATE TRIGGER {OVERLAP}_insert AFTER INSERT ON appointment {_CHECKS}",
    f"CREATE TRIGGER {OVERLAP}_update AFTER UPDATE OF provider_id, busy_start, busy_end, occupies ON appointment {_CHECKS}",
)
