"""Counts of many strata packed side by side, so that sums of days become sums of years by one addition each.

The strata of one service and one weekday are a block: the four counts of each stratum stand as 32-bit numbers one after
the other, by lead time and earlier no-shows. The whole block is read as a single long integer; adding two of those adds
all their counts at once, for no count of a clinic comes near 2**32 and spills into its neighbour. Where a clinic has
had no visit there are zeros, which zlib (RFC 1950) makes disappear.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from struct import iter_unpack, pack

from reminders.domain.estimators import Four
from reminders.domain.measures import UNKNOWN_LEAD
from reminders.domain.savings import MOST_EARLIER, Stratum

#: (service, weekday): what one block is about.
Place = tuple[int, int]

_FOUR, _BYTES, _NOBODY = "<4I", 16, (0, 0, 0, 0)
_PASTS = MOST_EARLIER + 1
#: Fastest: the blocks are mostly zeros, and no level makes them much smaller.
_LEVEL = 1


def packed(cells: Mapping[Stratum, Four]) -> dict[Place, bytes]:
    """The blocks of ``cells``."""
    blocks: dict[Place, dict[int, Four]] = {}
    for (lead, earlier, weekday, service), cell in cells.items():
        blocks.setdefault((service, weekday), {})[(lead - UNKNOWN_LEAD) * _PASTS + earlier] = cell
    return {place: _compressed(_side_by_side(block)) for place, block in blocks.items()}


def folded(blocks: Iterable[tuple[Place, bytes]]) -> dict[Place, bytes]:
    """One block for each place: the sum of all that were given."""
    return {place: _compressed(_written(total)) for place, total in _summed(blocks).items()}


def unpacked(blocks: Iterable[tuple[Place, bytes]]) -> dict[tuple[int, ...], Four]:
    """The sum of all blocks, by the parts of a ``Stratum``; strata without visits are left out."""
    found: dict[tuple[int, ...], Four] = {}
    for (service, weekday), total in _summed(blocks).items():
        for number, cell in enumerate(iter_unpack(_FOUR, _written(total))):
            if cell != _NOBODY:
                lead, earlier = divmod(number, _PASTS)
                found[lead + UNKNOWN_LEAD, earlier, weekday, service] = cell
    return found


def _side_by_side(block: Mapping[int, Four]) -> bytes:
    return b"".join(pack(_FOUR, *block.get(number, _NOBODY)) for number in range(max(block) + 1))


def _summed(blocks: Iterable[tuple[Place, bytes]]) -> dict[Place, int]:
    sums: dict[Place, int] = {}
    for place, data in blocks:
        sums[place] = sums.get(place, 0) + int.from_bytes(zlib.decompress(data), "little")
    return sums


def _written(total: int) -> bytes:
    """Whole strata, however many zeros the last one ends with."""
    strata = -(-total.bit_length() // (8 * _BYTES))
    return total.to_bytes(strata * _BYTES, "little")


def _compressed(data: bytes) -> bytes:
    return zlib.compress(data, _LEVEL)
