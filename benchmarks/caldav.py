"""The calendar server beside Radicale and Xandikos, each behind a real port, asked by the same client over one connection.

PUT, GET, PROPFIND of depth 1 and the first sync on a calendar of 3,000 events; then syncs of one change in a calendar of
1,000, and ours also in one of 30,000. The peers run without a login, ours checks one at every request. The product
commits every PUT to disk (SQLite, ``synchronous=FULL``). ``python -m benchmarks.caldav [--quick]``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import report, servers
from benchmarks.caldav_peers import Peer, product, radicale, xandikos
from benchmarks.stats import alternate

TIMES_RADICALE = 1.5
SHARE_OF_RADICALE_SYNC = 10.0
#: Two measurements of the same thing differ by this much here.
NOISE = 1.25


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Effort:
    """How many events the calendars hold, how many requests are timed, how often."""

    big: int
    small: int
    huge: int
    requests: int
    repetitions: int


THOROUGH = Effort(big=3_000, small=1_000, huge=30_000, requests=100, repetitions=3)
QUICK = Effort(big=300, small=100, huge=3_000, requests=30, repetitions=3)


def fill(peer: Peer, effort: Effort) -> None:
    """Fill both calendars, and let the server see what they hold, so that nothing timed is its first look."""
    for name, count in (("big", effort.big), ("small", effort.small)):
        peer.fill(name, count)
        seen = {peer.listing(name), len(peer.sync(name)[0]), peer.first_sync(name)}
        if seen != {count}:
            raise servers.ServerError(f"{peer.name} shows {seen} events of {count}")


def round_of(peer: Peer, effort: Effort, turn: int) -> dict[str, float]:
    """Every measurement once: seconds for one request of each kind."""
    base, count = effort.big + turn * effort.requests, effort.requests
    seen = {
        "PUT": seconds(lambda: peer.put_all("big", range(base, base + count))) / count,
        "GET": seconds(lambda: [
            peer.ask("GET", f"{peer.paths['big']}event-{number}.ics") for number in range(count)
        ]) / count,
        "PROPFIND depth 1": seconds(lambda: peer.listing("big")),
        "first sync": seconds(lambda: peer.first_sync("big")),
    }  # fmt: skip
    return seen | {f"sync of 1 change, {name}": one_change(peer, name, turn) for name in peer.paths if name != "big"}


def one_change(peer: Peer, calendar: str, turn: int) -> float:
    """The median of ten syncs, each after one change."""
    taken, token = [], peer.sync(calendar)[1]
    for again in range(10):
        peer.put(calendar, 7, f"Changed {turn}.{again}")
        known = token
        began = time.perf_counter()
        changed, token = peer.sync(calendar, known)
        taken.append(time.perf_counter() - began)
        if len(changed) != 1:
            raise servers.ServerError(f"{peer.name} tells of {len(changed)} changes, not of one")
    return statistics.median(taken)


def sheet(seen: dict[str, list[dict[str, float]]], effort: Effort, counts: dict[str, tuple[int, int]]) -> report.Sheet:
    """``seen``: per party, what each turn took."""
    made = report.Sheet(f"Calendar server, {effort.big:,} events")

    def median(party: str, name: str) -> float:
        return statistics.median(turn[name] for turn in seen[party])

    for name in ("PUT", "GET", "PROPFIND depth 1", "first sync"):
        ours = median("product", name)
        for other, target in (("Radicale", TIMES_RADICALE), ("Xandikos", None)):
            made.quotient(name, _ms(ours), f"{other} {_ms(median(other, name))}", median(other, name) / ours, target)
    name = "sync of 1 change, small"
    ours = median("product", name)
    for other, target in (("Radicale", SHARE_OF_RADICALE_SYNC), ("Xandikos", 1.0)):
        label = f"sync of 1 change in {effort.small:,}"
        made.quotient(label, _ms(ours), f"{other} {_ms(median(other, name))}", median(other, name) / ours, target)
    huge = median("product", "sync of 1 change, huge")
    made.quotient(
        f"the same in {effort.huge:,}", _ms(huge), f"in {effort.small:,}: {_ms(ours)}", ours / huge, 1 / NOISE
    )
    for party, found in counts.items():
        made.exactly(f"{party}: events listed and synced", found, (_held(effort), _held(effort)))
    return made


def _held(effort: Effort) -> int:
    return effort.big + effort.requests * effort.repetitions


def _ms(value: float) -> str:
    return f"{value * 1000:,.2f} ms"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benchmarks.caldav", description=__doc__.splitlines()[0] if __doc__ else None)
    made.add_argument("--quick", action="store_true", help="a tenth of the events")
    return made


def run(folder: Path, effort: Effort, tell: Callable[[str], None]) -> report.Sheet:
    with ExitStack() as stack:
        makers = (product(folder, effort.huge), radicale(folder), xandikos(folder))
        parties = [stack.enter_context(maker) for maker in makers]
        for peer in parties:
            tell(f"filling {peer.name}")
            fill(peer, effort)
        turns = dict.fromkeys((peer.name for peer in parties), 0)

        def take(peer: Peer) -> dict[str, float]:
            turns[peer.name] += 1
            return round_of(peer, effort, turns[peer.name] - 1)

        seen = alternate({peer.name: partial(take, peer) for peer in parties}, effort.repetitions, tell)
        counts = {peer.name: (peer.listing("big"), peer.first_sync("big")) for peer in parties}
    return sheet(seen, effort, counts)


def main() -> int:
    options = parser().parse_args()
    servers.stop_on_signals()
    console = report.terminal()
    with servers.workdir() as folder:
        return run(folder, QUICK if options.quick else THOROUGH, lambda text: console.log(text)).close(console)


if __name__ == "__main__":
    raise SystemExit(main())
