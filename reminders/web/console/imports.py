"""The first import from a patient system: what it would do, and whether it begins. Administrators only."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from reminders.errors import Conflict, Invalid, ReminderError
from reminders.services.sync.crms import CrmChange
from reminders.services.sync.kinds import FIRST_IMPORT
from reminders.web.console.calendars import show_connection
from reminders.web.console.guard import only_administrators
from reminders.web.console.pages import done, written
from reminders.web.context import use_cases

bp = Blueprint("imports", __name__)


@bp.post("/calendars/connections/<uid:connection_id>/import")
def decide(connection_id: str) -> ResponseReturnValue:
    """Look, let it begin, or drop the connection: the button says which."""
    try:
        where = _decided(connection_id, written("act"))
    except ReminderError as problem:
        return show_connection(connection_id, problem)
    return redirect(where, 303)


def _decided(uid: str, wish: str) -> str:
    """What is wanted, done; the page to go on with."""
    only_administrators("lets a first import begin")
    crms = use_cases().crm_connections
    if crms.get(uid).state_reason != FIRST_IMPORT:
        raise Conflict("This connection does not wait for its first import.")
    match wish:
        case "preview":
            use_cases().import_previews.run(uid)
            done("Read. Nothing was changed on either side.")
        case "release":
            row = crms.edit(uid, CrmChange(paused=False))
            waits = row.next_run_at > use_cases().clock.now()
            done(
                "It begins in some minutes; until then it may be taken back." if waits else "It begins within seconds."
            )
        case "drop":
            crms.remove(uid)
            done("Dropped. Nothing was changed on either side.")
            return url_for("console.calendars.show")
        case _:
            raise Invalid("There is no such action.", field="act")
    return url_for("console.calendars.connection", connection_id=uid)
