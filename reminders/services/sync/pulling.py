"""From there to here: what a listing names is compared, what it no longer names is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from reminders.domain.connector import CursorGone, Item, Page, Remote
from reminders.domain.replica import Expecting
from reminders.domain.sync import MASS_COUNT, Link, Mass, is_mass_move, is_mass_removal
from reminders.services.sync.meeting import Meeting
from reminders.services.sync.parts import MassChange, Parts, Tally

T = TypeVar("T")
#: Items taken in with one transaction where nothing can be refused.
_CHUNK = 50


class Pull:
    """Carries over what changed there. ``trusting``: a person has looked at a mass change and wants it."""

    def __init__(self, parts: Parts, entity: str, meeting: Meeting, tally: Tally, *, trusting: bool) -> None:
        self._parts, self._book, self._entity = parts, parts.book, entity
        self._meeting, self._tally, self._trusting = meeting, tally, trusting

    def is_first(self) -> bool:
        """True when nothing was listed yet to the end."""
        return self._cursor() is None

    def run(self, *, full: bool) -> None:
        """The cursor is saved after the page it belongs to; that of a full listing only at its end, because a listing
        cut short says nothing about what is gone."""
        self._announced()
        pages = self._listed(None if full else self._cursor())
        seen: set[str] = set()
        for page in pages if self._trusting else self._weighed(pages):
            whole = page.full
            seen.update(item.remote_id for item in page.items if not item.gone)
            self._page(page, ends=seen if whole and not page.more else None)
            if not page.more or not whole:
                self._save(page.cursor)

    def _listed(self, cursor: str | None) -> Iterator[Page]:
        """Page after page, each asked for when it is wanted."""
        page = self._first(cursor)
        yield page
        while page.more:
            self._book.beat()
            page = self._parts.connector.changes(self._entity, page.cursor)
            yield page

    def _weighed(self, pages: Iterator[Page]) -> Iterable[Page]:
        """The same pages, once it is known that all of them together change no mass of what both sides have, and bring
        no mass of visits. A first import has nothing to lose, was looked at before, and waits for no last page."""
        if self.is_first() and not any(self._live().values()):
            return pages
        mass, whole, shown = Mass(), False, []
        seen: set[str] = set()
        for page in pages:
            whole = page.full
            seen.update(item.remote_id for item in page.items if not item.gone)
            shown.append(self._weigh(page, mass))
        if whole:
            mass.removed.update(key for key, ours in self._live().items() if ours and key not in seen)
        self._check(mass)
        return shown

    def _weigh(self, page: Page, mass: Mass) -> Page:
        """What this page would do, added to ``mass``; the page with what was fetched for that, and without the rest."""
        links = self._links([item.remote_id for item in page.items])
        if self._parts.most_new is not None:
            page = self._arriving(page, links, mass)
        known = {key: link for key, link in links.items() if link.local_id is not None and not link.dead}
        changed = [item for item in page.items if item.remote_id in known and not item.gone and _differs(item, known)]
        remotes = {remote.remote_id: remote for remote in self._fetched_all(changed)}
        mass.removed.update(item.remote_id for item in page.items if item.gone and item.remote_id in known)
        for key, remote in remotes.items():
            mass.add(key, known[key].base_remote, remote.fields)
        return replace(page, items=[
            replace(item, remote=remotes.get(item.remote_id)) if item.remote_id in known else item for item in page.items
        ])  # fmt: skip

    def _arriving(self, page: Page, links: Mapping[str, Link], mass: Mass) -> Page:
        """Whose visits are new, added to ``mass``; the page with what was fetched for that."""
        new = [item for item in page.items if item.remote_id not in links and not item.gone]
        remotes = {remote.remote_id: remote for remote in self._fetched_all(new)}
        now = self._parts.clock.now()
        for remote in remotes.values():
            mass.arrive(remote.fields, now)
        return replace(
            page, items=[replace(item, remote=remotes.get(item.remote_id, item.remote)) for item in page.items]
        )

    def _check(self, mass: Mass) -> None:
        """Everything that is linked is counted only where much would change: a pass costs what changed."""
        most = self._parts.most_new
        if most is not None and len(mass.patients) > most:
            raise MassChange("mass_arrival", self._entity, len(mass.patients), 0)
        if max(len(mass.removed), len(mass.offsets)) < MASS_COUNT:
            return
        live = sum(self._live().values())
        if is_mass_removal(len(mass.removed), live):
            raise MassChange("mass_removal", self._entity, len(mass.removed), live)
        if is_mass_move(mass.offsets, live):
            raise MassChange("mass_move", self._entity, len(mass.offsets), live)

    def _live(self) -> Mapping[str, bool]:
        return self._book.look(lambda tx: self._book.live(tx, self._entity))

    def _announced(self) -> None:
        """What webhooks named, and what waited for something that is known by now: looked at before any listing, which
        may show it only later."""
        named = self._book.look(lambda tx: self._book.announced(tx, self._entity))
        replica = self._parts.replicas[self._entity]
        again = self._book.look(replica.waiting) if isinstance(replica, Expecting) else ()
        wanted = sorted({remote_id for _, remote_id in named} | set(again))
        for ids in _chunks(wanted, self._parts.connector.caps.fetch):
            self._book.beat()
            for remote in self._parts.connector.fetch(self._entity, ids).values():
                self._meeting.reconcile(remote)
        if named:
            self._book.run(lambda tx: self._book.answered(tx, [number for number, _ in named]))

    def overdue(self) -> None:
        """Act on deletions whose grace is over."""
        for link in self._book.look(lambda tx: self._book.gone(tx, self._entity)):
            self._book.run(partial(self._meeting.gone, link=link))

    def _first(self, cursor: str | None) -> Page:
        try:
            return self._parts.connector.changes(self._entity, cursor)
        except CursorGone:
            return self._parts.connector.changes(self._entity, None)

    def _cursor(self) -> str | None:
        return self._book.look(lambda tx: self._book.cursor(tx, self._entity))

    def _save(self, cursor: str | None) -> None:
        self._book.run(lambda tx: self._book.set_cursor(tx, self._entity, cursor))

    def _page(self, page: Page, ends: set[str] | None) -> None:
        self._tally.seen += len(page.items)
        known = self._links([item.remote_id for item in page.items])
        self._remove([known[item.remote_id] for item in page.items if item.gone and item.remote_id in known], ends)
        wanted = {item.remote_id: item for item in page.items if not item.gone and _differs(item, known)}
        old = [item for key, item in wanted.items() if key in known and not known[key].dead]
        new = [item for key, item in wanted.items() if not (key in known and not known[key].dead)]
        self._meet_known(old)
        for chunk in _chunks(new, self._parts.connector.caps.fetch):
            self._book.beat()
            self._meet(self._fetched(chunk))

    def _remove(self, named: Sequence[Link], ends: set[str] | None) -> None:
        """Note what is gone: named as deleted, or, at the end of a full listing, not named at all."""
        live = self._live() if named or ends is not None else {}
        gone = [link.remote_id for link in named if link.remote_id in live]
        if ends is not None:
            gone = [*gone, *(key for key in live if key not in ends)]
        ours = [key for key in gone if key is not None and live[key]]
        count = sum(live.values())
        if is_mass_removal(len(ours), count) and not self._trusting:
            raise MassChange("mass_removal", self._entity, len(ours), count)
        now = self._parts.clock.now()
        for link in self._links([key for key in gone if key is not None]).values():
            self._book.run(partial(self._gone, link=link, now=now))

    def _gone(self, tx: Any, link: Link, now: datetime) -> None:
        if link.dead:
            return
        if link.local_id is None:
            self._book.forget(tx, link)
        elif link.gone_since is None and (link.base_remote or link.pending is None):
            self._meeting.gone(tx, replace(link, gone_since=now))

    def _meet_known(self, items: Sequence[Item]) -> None:
        for remote in self._fetched_all(items):
            self._meeting.reconcile(remote)

    def _meet(self, remotes: Sequence[Remote]) -> None:
        for chunk in _chunks(remotes, _CHUNK):
            self._meeting.reconcile_all(chunk)
            self._parts.watch(self._tally)

    def _fetched_all(self, items: Sequence[Item]) -> list[Remote]:
        size = self._parts.connector.caps.fetch
        return [remote for chunk in _chunks(items, size) for remote in self._fetched(chunk)]

    def _fetched(self, items: Sequence[Item]) -> list[Remote]:
        """What these items are now; one that vanished meanwhile will be reported as gone by a later listing."""
        here = [item.remote for item in items if item.remote is not None]
        ids = [item.remote_id for item in items if item.remote is None]
        return here + list(self._parts.connector.fetch(self._entity, ids).values()) if ids else here

    def _links(self, remote_ids: Sequence[str]) -> dict[str, Link]:
        return self._book.look(lambda tx: self._book.links(tx, self._entity, remote_ids)) if remote_ids else {}


def _differs(item: Item, known: Mapping[str, Link]) -> bool:
    link = known.get(item.remote_id)
    if link is None or link.dead or item.etag is None or link.gone_since is not None:
        return True
    return link.etag != item.etag


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
