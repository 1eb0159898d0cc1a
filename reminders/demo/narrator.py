"""Tells on the terminal what happens: who did what at which hour of the venue, and every text as it looks on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.align import Align
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from reminders.sandbox import Sandbox, SandboxCall, SandboxMessage

Entry = SandboxMessage | SandboxCall
_BUBBLE = 62
_INDENT = 4


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose phone it is, in which language we write to it, and by which clock its story is told."""

    names: str
    language: str
    zone: ZoneInfo


class Narrator:
    """Prints; knows nothing but what it is shown."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def chapter(self, title: str) -> None:
        self._console.print()
        self._console.print(Rule(Text(title, style="bold"), align="left"))

    def say(self, text: str) -> None:
        self._console.print(Text(text))

    def act(self, at: datetime, zone: ZoneInfo, who: str, what: str, style: str = "") -> None:
        """One line: the venue's time, who, what."""
        self._console.print(Text.assemble((f"{clock(at, zone):<18}", "dim"), (f"{who}  ", "bold"), (what, style)))

    def note(self, text: str, style: str = "dim") -> None:
        """What the system says about the line above."""
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, _INDENT), expand=False))

    def promise(self, promise: str, found: str, *, kept: bool) -> None:
        """A line of a check list."""
        mark = ("✓ ", "green") if kept else ("✗ ", "red")
        self._console.print(Text.assemble(mark, promise, (f" ({found})", "dim")))

    def news(self, sandbox: Sandbox, owners: dict[str, Owner]) -> list[Entry]:
        """Show what is new on the phones, oldest first, and return it. What is still under way is told next time."""
        fresh = sorted(self._fresh(sandbox), key=lambda entry: entry.created_at)
        for entry in fresh:
            self._told.add(entry.sid)
            owner = owners[entry.phone]
            if isinstance(entry, SandboxCall):
                self._call(entry, owner)
            else:
                self._text(entry, owner)
        return fresh

    def _fresh(self, sandbox: Sandbox) -> Iterator[Entry]:
        for phone in sandbox.phones():
            for entry in sandbox.conversation(phone.number):
                if entry.final and entry.sid not in self._told:
                    yield entry

    def _text(self, message: SandboxMessage, owner: Owner) -> None:
        at = clock(message.created_at, owner.zone)
        if message.inbound:
            self._bubble(message.body, f"{owner.names} · {at}", right=True)
            return
        if message.automatic:
            self._bubble(message.body, f"Twilio to {owner.names} · {at}")
            return
        size = f"{message.segments} segment{'s' if message.segments > 1 else ''}"
        result = message.status.value + (f" (error {message.error_code})" if message.error_code else "")
        price = f" · {message.price.normalize():f} USD" if message.price is not None else ""
        self._bubble(message.body, f"SMS to {owner.names} · {at}", f"{owner.language} · {size} · {result}{price}")

    def _call(self, call: SandboxCall, owner: Owner) -> None:
        lines = [f"[{line.text}] pressed" if line.kind == "digits" else line.text for line in call.transcript]
        length = f" · {call.duration} s" if call.duration else ""
        price = f" · {call.price.normalize():f} USD" if call.price is not None else ""
        title = f"Call to {owner.names} · {clock(call.created_at, owner.zone)}"
        self._bubble("\n".join(lines) or "-", title, f"{owner.language} · {call.status.value}{length}{price}")

    def _bubble(self, body: str, title: str, foot: str = "", *, right: bool = False) -> None:
        width = min(_BUBBLE, self._console.width - _INDENT)
        panel = Panel(
            Text(body), title=Text(title), title_align="left", subtitle=Text(foot) if foot else None,
            subtitle_align="left", box=box.ROUNDED, width=width, border_style="green" if right else "blue",
        )  # fmt: skip
        shown = Align.right(panel) if right else Padding(panel, (0, 0, 0, _INDENT), expand=False)
        self._console.print(shown)


def clock(at: datetime, zone: ZoneInfo) -> str:
    """A moment as the venue's wall clock shows it, with the city after which the zone is named."""
    return f"{hour(at, zone)} {zone.key.rpartition('/')[2].replace('_', ' ')}"


def hour(at: datetime, zone: ZoneInfo) -> str:
    """A weekday and a wall time: enough within one week."""
    return f"{at.astimezone(zone):%a %H:%M}"
