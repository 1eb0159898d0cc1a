"""What became of every reminder of a run: the provider's own list held against the deadlines and the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from benchmarks.due import Due
from benchmarks.stubdesk import Accepted

#: States in which somebody still has to do something.
OPEN = frozenset({"planned", "claimed", "uncertain"})
OUT = frozenset({"sent", "delivered"})
#: From the decision to send until the request has arrived, on a machine that does everything else at the same time.
_ON_THE_WIRE = timedelta(seconds=1)


class Row(NamedTuple):
    """What the database says about one reminder. ``sid`` is that of the message that went out; ``unsure`` counts
    attempts whose outcome nobody has learned."""

    state: str
    reason: str
    sid: str | None = None
    unsure: int = 0


@dataclass(frozen=True)
class Outcome:
    """What was seen: at the provider (``messages``), in the database (``rows``, by uid) and on the way."""

    due: list[Due] = field(repr=False)
    messages: list[Accepted] = field(repr=False)
    rows: dict[str, Row] = field(repr=False)
    kills: int
    freezes: int
    fallen: int
    quiet_after: float | None
    state: Mapping[str, Any]

    def _accepted(self) -> dict[str, list[Accepted]]:
        found = defaultdict(list)
        for one in self.messages:
            found[one.to].append(one)
        return found

    @property
    def lost(self) -> list[str]:
        """Reminders that never reached the provider. A tight one that the product itself says it missed is not lost."""
        reached = self._accepted()
        return [
            one.uid for one in self.due
            if one.phone not in reached and not (one.tight and self.rows[one.uid].state == "missed")
        ]  # fmt: skip

    @property
    def repeated(self) -> list[str]:
        """Reminders that reached the provider more than once."""
        reached = self._accepted()
        return [one.uid for one in self.due if len(reached.get(one.phone, ())) > 1]

    @property
    def late(self) -> list[str]:
        """Reminders that reached the provider after their deadline."""
        last = {one.phone: (one.uid, (one.not_after + _ON_THE_WIRE).timestamp()) for one in self.due}
        return [last[one.to][0] for one in self.messages if one.at > last[one.to][1]]

    @property
    def open(self) -> list[str]:
        """Rows that are not at an end, or have an attempt that is not. ``sent`` is an end: whether more becomes known
        depends on the provider alone."""
        return [uid for uid, row in self.rows.items() if row.state in OPEN or row.unsure]

    @property
    def wrong(self) -> list[str]:
        """Rows that tell another story than the provider: out though it never was, not out though it was, or another
        SID."""
        reached = self._accepted()
        return [
            one.uid for one in self.due
            if one.uid not in self.open and not _agree(self.rows[one.uid], reached.get(one.phone, []))
        ]  # fmt: skip

    @property
    def findings(self) -> dict[str, list[str]]:
        """What went wrong: reminders by kind of finding. Empty when all is well."""
        kinds = {"lost": self.lost, "sent twice": self.repeated, "late": self.late, "open": self.open,
                 "another story": self.wrong}  # fmt: skip
        return {kind: found for kind, found in kinds.items() if found}

    def stories(self, most: int = 5) -> list[str]:
        """What is known about the first few reminders of each finding, one line each; seconds from the first due."""
        reached, by_uid = self._accepted(), {one.uid: one for one in self.due}
        begin = self.due[0].at.timestamp()
        return [
            f"{kind}: {uid} due {by_uid[uid].at.timestamp() - begin:.2f}, {self.rows[uid]}, at the provider "
            + (", ".join(f"{one.sid} {one.at - begin:.2f}" for one in reached.get(by_uid[uid].phone, ())) or "nothing")
            for kind, found in self.findings.items()
            for uid in found[:most]
        ]

    @property
    def delays(self) -> list[float]:
        """Seconds from due to the provider, sorted; of each reminder that got there, the first time."""
        first = {one.to: one.at for one in reversed(self.messages)}
        return sorted(first[one.phone] - one.at.timestamp() for one in self.due if one.phone in first)

    @property
    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.rows.values())


def _agree(row: Row, reached: list[Accepted]) -> bool:
    if row.state in OUT:
        return row.sid in {one.sid for one in reached}
    return not reached
