"""One pass over one connection: pull, then push. See ``docs/decisions`` for why it compares states.

The order of every write is: intent committed, the call, the outcome committed. Wherever a process dies, the next pass
finds an intent and looks; wherever people edit meanwhile, on either side, the comparison finds it.
"""

from __future__ import annotations

from reminders.services.sync.meeting import Meeting
from reminders.services.sync.parts import Parts, Tally
from reminders.services.sync.pulling import Pull
from reminders.services.sync.pushing import Push


def run_pass(parts: Parts, *, full: bool = False, trusting: bool = False) -> Tally:
    """Bring both sides together; may be broken off anywhere and repeated any number of times.

    ``full`` lists everything there and compares everything here (once a day, and the first time it happens by itself).
    ``trusting`` skips the guard against mass changes. Raises ``PeerError``, ``MassChange`` or ``LeaseLost``; what was
    done until then stands.
    """
    tally = Tally()
    pushes: list[Push] = []
    for entity in parts.connector.entities:
        meeting = Meeting(parts, entity, tally)
        pull = Pull(parts, entity, meeting, tally, trusting=trusting)
        push = Push(parts, entity, meeting, tally)
        whole = full or pull.is_first()
        if parts.connector.caps.writes:
            pushes.append(push)
            if whole:
                push.sweep()  # before the cursor is saved: a first run cut short must not forget what we have
        pull.run(full=whole)
        pull.overdue()
    for push in pushes:
        push.run()
    return tally
