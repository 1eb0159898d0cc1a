"""What the people of the rehearsal want to do: which visits, which answers, who comes. Nothing of what the system does
about it stands here; that is for the system to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from reminders.demo.clinic import CHECK_UP, NAIR, PARK, PHYSICAL, REY, SKIN, SURGERY, VACCINE, VIDAL

#: A Monday morning in Madrid, in a week without holidays and far from any change of clocks.
START = datetime(2027, 5, 10, 7, 0, tzinfo=UTC)
END = datetime(2027, 5, 13, 16, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """A visit as it is asked for: ``at`` is the time wanted, ``asked`` when the patient calls the desk.

    ``says`` are the answers to the texts about this visit, in order; ``presses`` is the key pressed on a call.
    ``comes`` is None for a visit that does not take place on its day.
    """

    patient: str
    service: str
    provider: str
    at: datetime
    asked: datetime
    comes: bool | None = True
    says: tuple[str, ...] = ()
    presses: str = ""


def _at(zone: str, day: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2027, 5, day, int(hour), int(minute), tzinfo=ZoneInfo(zone))


_madrid = partial(_at, "Europe/Madrid")
_chicago = partial(_at, "America/Chicago")


WISHES: tuple[Wish, ...] = (
    Wish("Lucía Romero", CHECK_UP, VIDAL, _madrid(12, "10:00"), _madrid(10, "9:02"), says=("Sí, allí estaré",)),
    Wish("Javier Ortega", CHECK_UP, VIDAL, _madrid(12, "10:00"), _madrid(10, "9:05"), says=("Sí, pero llegaré tarde",)),
    Wish("Rosa Molina", SKIN, REY, _madrid(12, "9:30"), _madrid(10, "9:09"), comes=False),
    Wish("Camille Bernard", SKIN, REY, _madrid(12, "11:00"), _madrid(10, "9:12"), comes=None, says=("2",)),
    Wish("Mariana Souza", SKIN, REY, _madrid(12, "12:00"), _madrid(10, "9:16"), says=("STOP",)),
    Wish("Margaret Hughes", CHECK_UP, VIDAL, _madrid(12, "12:00"), _madrid(10, "9:21"), presses="1"),
    Wish("Manuel Prieto", CHECK_UP, VIDAL, _madrid(12, "12:30"), _madrid(10, "9:25")),
    Wish("Sabine Krüger", SURGERY, REY, _madrid(12, "13:00"), _madrid(10, "9:28"), presses="1"),
    Wish("Julien Moreau", CHECK_UP, VIDAL, _madrid(12, "11:30"), _madrid(10, "9:33"), says=("1",)),
    Wish("Nuria Vega", CHECK_UP, VIDAL, _madrid(12, "16:00"), _madrid(10, "9:37")),
    Wish("Hugo Vega", CHECK_UP, VIDAL, _madrid(12, "16:30"), _madrid(10, "9:38"), says=("1",)),
    Wish("Gloria Jenkins", PHYSICAL, PARK, _chicago(12, "9:00"), _chicago(10, "8:31"), comes=False),
    Wish("王秀英", PHYSICAL, PARK, _chicago(12, "10:00"), _chicago(10, "8:34"), says=("好的，我会来",)),
    Wish(
        "José Hernández", VACCINE, PARK, _chicago(12, "11:00"), _chicago(10, "8:40"), comes=None, says=("No puedo ir",)
    ),
    Wish("Emily Carter", VACCINE, NAIR, _chicago(12, "11:00"), _chicago(10, "8:44"), says=("1",)),
    Wish(
        "Daniel Brooks", PHYSICAL, NAIR, _chicago(12, "14:00"), _chicago(10, "8:47"), says=("Which entrance do I use?",)
    ),
)

#: The desk moves this visit on Monday: patient, new time, when.
MOVE = ("Julien Moreau", _madrid(13, "10:00"), _madrid(10, "16:30"))
#: When the desk of each provider looks after its inbox; whom it writes to (it rings the others).
INBOX_HOURS = ((VIDAL, _madrid(11, "17:30")), (NAIR, _chicago(11, "15:00")))
WRITES = {"Daniel Brooks": "Please use the entrance on Lake Street, then the lift to floor 2."}
#: The desk wonders what became of the reminder of this patient: patient, when.
LOOKS_UP = ("Manuel Prieto", _madrid(11, "12:40"))
#: Whose visits are read out from the ledger at the end.
READ_OUT = ("Margaret Hughes", "Julien Moreau")
