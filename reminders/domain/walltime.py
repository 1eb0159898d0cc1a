"""A promised wall time, written down so that it survives a change of the zone's rules.

"9 o'clock at the clinic" is what patients were told. A moment in UTC only stands for it as long as the rules of the zone
do; governments change them at a few weeks' notice (IANA time zone database, RFC 6557).
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def written(start: datetime, zone: tzinfo) -> str:
    """The wall time of a moment with the offset in force, which tells the two halves of a repeated hour apart."""
    return start.astimezone(zone).isoformat()


def moment(local: str, zone: tzinfo) -> datetime:
    """When ``local`` is by the rules of ``zone`` now, in UTC. In a repeated hour the offset that was written decides, else
    the first one; a time that clocks leave out is as much later (PEP 495). ``ValueError`` when it is none."""
    promised = datetime.fromisoformat(local)
    first, second = (promised.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    repeated = first.utcoffset() != second.utcoffset()
    meant = second if repeated and _exists(second) and second.utcoffset() == promised.utcoffset() else first
    return meant.astimezone(UTC)


def _exists(wall: datetime) -> bool:
    back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return back.replace(tzinfo=None) == wall.replace(tzinfo=None)
