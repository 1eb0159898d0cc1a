"""Why double booking cannot happen: constraints that the database keeps, whatever the code does.

PostgreSQL gets an exclusion constraint. No extension is needed because the provider's number goes in as a range of one
element. SQLite gets triggers with the same meaning. Both look at half-open ranges that include the buffers, and only at
visits that occupy the provider's time. These texts are what the migrations ran: change them by a new migration.

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

#: A visit may not lie over time that is held. ``updated_at`` of the row is the time now, by the clock of the product;
#: what had expired by then is in nobody's way. Changes that leave a visit where it is are not asked about.
_HELD = """EXISTS (
        SELECT 1 FROM hold h WHERE h.provider_id = NEW.provider_id
        AND h.end_at > NEW.busy_start AND h.start_at < NEW.busy_end
        AND (h.expires_at IS NULL OR h.expires_at > NEW.updated_at))"""
_STAYS = """OLD.occupies AND OLD.provider_id = NEW.provider_id
        AND OLD.busy_start = NEW.busy_start AND OLD.busy_end = NEW.busy_end"""
_VISITED = """EXISTS (
        SELECT 1 FROM appointment a WHERE a.occupies AND a.provider_id = NEW.provider_id
        AND a.busy_start < NEW.end_at AND a.busy_end > NEW.start_at AND a.busy_start > {look_back})"""
_OFFERED = """NEW.kind = 'offer' AND EXISTS (
        SELECT 1 FROM hold h WHERE h.provider_id = NEW.provider_id AND h.uid <> NEW.uid
        AND h.end_at > NEW.start_at AND h.start_at < NEW.end_at
        AND (h.expires_at IS NULL OR h.expires_at > NEW.created_at))"""

#: Visits and holds of one provider and hour queue up behind the same locks, so that neither overlooks the other.
HOLDS_POSTGRESQL = (
    f"""CREATE FUNCTION appointment_not_held() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF {_STAYS} THEN RETURN NEW; END IF;
        END IF;
        IF {_HELD} THEN
            RAISE EXCEPTION '{OVERLAP}' USING ERRCODE = 'exclusion_violation';
        END IF;
        RETURN NEW;
    END $$""",
    # triggers run in the order of their names: this one after the queue
    """CREATE TRIGGER appointment_queue_then_held BEFORE INSERT OR UPDATE OF provider_id, busy_start, busy_end, occupies
        ON appointment FOR EACH ROW WHEN (NEW.occupies) EXECUTE FUNCTION appointment_not_held()""",
    f"""CREATE FUNCTION hold_not_visited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        FOR hour IN floor(extract(epoch FROM NEW.start_at) / 3600)::int
                 .. ceil(extract(epoch FROM NEW.end_at) / 3600)::int - 1 LOOP
            PERFORM pg_advisory_xact_lock((NEW.provider_id % 2147483647)::int, hour);
        END LOOP;
        IF {_VISITED.format(look_back="NEW.start_at - interval '2 days'")} OR ({_OFFERED}) THEN
            RAISE EXCEPTION '{OVERLAP}' USING ERRCODE = 'exclusion_violation';
        END IF;
        RETURN NEW;
    END $$""",
    """CREATE TRIGGER hold_not_visited BEFORE INSERT OR UPDATE OF provider_id, start_at, end_at, kind ON hold
        FOR EACH ROW WHEN (NEW.kind <> 'busy') EXECUTE FUNCTION hold_not_visited()""",
)

_HELD_SQLITE = f"SELECT RAISE(ABORT, '{OVERLAP}') WHERE {_HELD};"
_VISITED_SQLITE = f"""
    WHEN NEW.kind <> 'busy' BEGIN
        SELECT RAISE(ABORT, '{OVERLAP}')
        WHERE {_VISITED.format(look_back=f"NEW.start_at - {LONGEST}")} OR ({_OFFERED});
    END"""

HOLDS_SQLITE = (
    f"CREATE TRIGGER appointment_held_insert AFTER INSERT ON appointment WHEN NEW.occupies BEGIN {_HELD_SQLITE} END",
    f"""CREATE TRIGGER appointment_held_update AFTER UPDATE OF provider_id, busy_start, busy_end, occupies ON appointment
        WHEN NEW.occupies AND NOT ({_STAYS}) BEGIN {_HELD_SQLITE} END""",
    f"CREATE TRIGGER hold_not_visited_insert AFTER INSERT ON hold {_VISITED_SQLITE}",
    f"CREATE TRIGGER hold_not_visited_update AFTER UPDATE OF provider_id, start_at, end_at, kind ON hold {_VISITED_SQLITE}",
)
