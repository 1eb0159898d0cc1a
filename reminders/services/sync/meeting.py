"""One item, both sides: compare, take, remember. Runs inside one transaction per item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from reminders.domain.connector import Refused, Remote
from reminders.domain.replica import Fate, Local, Replica
from reminders.domain.sync import (
    WHOLE,
    Cause,
    Dispute,
    Link,
    Live,
    Owner,
    dirty,
    landed,
    merge,
    put_back,
)
from reminders.services.sync.parts import Parts, Tally, Unplaced, gathering, is_newer, placed

_NOTHING = object()


class Meeting:
    """Brings single items of one kind together."""

    def __init__(self, parts: Parts, entity: str, tally: Tally) -> None:
        self._parts, self._book, self._tally = parts, parts.book, tally
        self._entity = entity
        self._replica: Replica = parts.replicas[entity]
        self._owners: Mapping[str, Owner] = parts.owners[entity]

    def reconcile(self, remote: Remote) -> None:
        """Deal with an item as it is there now, in a transaction of its own. A change that our rules refuse leaves no
        trace but the entry in the conflict list, and is written back over there."""
        remote = self._replica.canonical(remote)
        refused: dict[str, Refused] = {}
        while True:
            try:
                self._book.run(partial(self.meet, remote=remote, refused=refused))
                return
            except Unplaced as problem:
                refused[WHOLE] = problem.why
            except Refused as problem:
                new = set(problem.fields or remote.fields) - set(refused)
                if not new:
                    raise
                refused |= dict.fromkeys(new, problem)

    def reconcile_all(self, remotes: Sequence[Remote]) -> None:
        """The same for several at once, in one transaction as long as nothing is refused."""
        before = replace(self._tally)
        try:
            self._book.run(partial(self._meet_all, remotes=remotes))
        except (Refused, Unplaced):
            for counter in fields(before):
                setattr(self._tally, counter.name, getattr(before, counter.name))
            for remote in remotes:
                self.reconcile(remote)

    def _meet_all(self, tx: Any, remotes: Sequence[Remote]) -> None:
        """What nobody knows at the start stays unknown until its turn; what is known may be another's by then."""
        found = [self._replica.canonical(remote) for remote in remotes]
        known = self._book.links(tx, self._entity, [remote.remote_id for remote in found])
        with gathering(self._replica, tx, found):
            for remote in found:
                if remote.remote_id in known:
                    self.meet(tx, remote, {})
                else:
                    self._meet(tx, remote, None, {})

    def meet(self, tx: Any, remote: Remote, refused: Mapping[str, Refused]) -> None:
        """The same within an open transaction."""
        link = self._book.links(tx, self._entity, [remote.remote_id]).get(remote.remote_id)
        self._meet(tx, remote, link, refused)

    def _meet(self, tx: Any, remote: Remote, link: Link | None, refused: Mapping[str, Refused]) -> None:
        if link is None and remote.uid is not None:
            link = self._unconfirmed(tx, remote)
        if link is None or link.dead or link.local_id is None:
            self._newcomer(tx, remote, link, refused)
        else:
            self._known(tx, remote, link, refused)

    def missing(self, tx: Any, link: Link) -> None:
        """The item does not exist there (any more)."""
        if not link.base_remote:  # our create never arrived: it will be sent again
            self._book.save(tx, replace(link, pending=None))
        elif link.gone_since is None:
            self.gone(tx, replace(link, gone_since=self._parts.clock.now()))

    def gone(self, tx: Any, link: Link) -> None:
        """It was deleted there. After the grace: a change made here meanwhile beats the deletion, else our side says."""
        now = self._parts.clock.now()
        if link.held or link.gone_since is None or link.local_id is None:
            return
        if now - link.gone_since < self._parts.grace:
            self._book.save(tx, link)
            return
        local = self._replica.read(tx, link.local_id)
        if local is None or local.final:
            self._book.save(tx, replace(link, dead=True, pending=None, gone_since=None))
        elif dirty(local.fields, link, self._owners):
            self._restore(tx, link)
        else:
            self._decide(tx, link, link.local_id)

    def revived(self, tx: Any, link: Link) -> Link:
        """A link whose item is created again there, under a new id if ids are ours to give."""
        remote_id = self._parts.connector.new_id(self._entity, link.uid)
        fresh = replace(
            link, remote_id=remote_id, etag=None, base_local={}, base_remote={}, pending=None, rev=None, gone_since=None,
            held=False, dead=False, sent_n=0,
        )  # fmt: skip
        if link.held and link.local_id is not None:
            self._settle(tx, link)
        return self._book.save(tx, fresh)

    def _decide(self, tx: Any, link: Link, local_id: str) -> None:
        fate = self._replica.removed(tx, local_id)
        self._tally.removed += 1
        if fate is Fate.RESTORE:
            self._restore(tx, link)
        elif fate is Fate.DROP:
            self._book.save(tx, replace(link, dead=True, pending=None, gone_since=None))
        else:
            self._book.save(tx, replace(link, held=True))
            self._dispute(tx, link, Dispute(WHOLE, None, "kept", "deleted", Live.UNDECIDED, Cause.DELETED_THERE))

    def _restore(self, tx: Any, link: Link) -> None:
        found = Dispute(WHOLE, None, "kept", "deleted", Live.OURS, Cause.DELETED_THERE, attention=False)
        self._dispute(tx, link, found)
        self._touch(tx, self.revived(tx, link))

    def _unconfirmed(self, tx: Any, remote: Remote) -> Link | None:
        """Our own create whose answer never came, where the other system gives the ids."""
        link = self._book.link_of(tx, self._entity, remote.uid or "")
        waiting = link is not None and not link.dead and link.remote_id is None
        return replace(link, remote_id=remote.remote_id) if link is not None and waiting else None

    def _newcomer(self, tx: Any, remote: Remote, old: Link | None, refused: Mapping[str, Refused]) -> None:
        if WHOLE in refused:
            self._wait(tx, remote, old, refused[WHOLE])
            return
        local_id = placed(self._replica.match, tx, remote)
        other = self._book.link_of(tx, self._entity, local_id) if local_id else None
        if other is not None and not other.dead:
            self._moved(tx, remote, old, other, refused)
            return
        number = self._place_of(tx, old, other)
        if local_id is not None:
            link = Link(self._entity, local_id, remote.remote_id, local_id, number)
            self._known(tx, remote, link, refused)
            return
        local_id = placed(self._replica.create, tx, remote)
        link = Link(self._entity, local_id, remote.remote_id, local_id or "", number, etag=remote.etag)
        if local_id is None:
            self._book.save(tx, link)
            return
        self._tally.pulled += 1
        self._taken_in(tx, remote, link, local_id)

    def _taken_in(self, tx: Any, remote: Remote, link: Link, local_id: str) -> None:
        """A new thing of ours; what could not be kept of it stays as it is there, and is listed. What is stricter here
        goes there."""
        local = self._replica.read(tx, local_id)
        seen = dict(local.fields) if local is not None else {}
        strict = {name for name, value in seen.items() if value and self._owners.get(name) is Owner.MOST_RESTRICTIVE}
        stricter = {name: False for name in strict if remote.fields.get(name) is False}
        link = replace(link, base_local={**seen, **stricter}, base_remote=dict(remote.fields), raw=remote.raw)
        link = self._book.save(tx, link)
        if stricter:
            self._touch(tx, link)
        for name, owner in self._owners.items():
            ours, theirs = seen.get(name), remote.fields.get(name)
            if owner is not Owner.OFF and name in seen and theirs and ours != theirs:
                found = Dispute(name, None, ours, theirs, Live.OURS, Cause.REFUSED_HERE, note="left_out")
                self._dispute(tx, link, found, remote)

    def _place_of(self, tx: Any, old: Link | None, other: Link | None) -> int:
        """Which link is used again; one that waited for a person does so no longer."""
        if old is not None and old.held and old.local_id is None:
            self._book.settle(tx, old, WHOLE)
        if old is None:
            return other.number if other is not None else 0
        if other is None:
            return old.number
        if other.number != old.number:
            self._book.forget(tx, old)
        return other.number

    def _wait(self, tx: Any, remote: Remote, old: Link | None, problem: Refused) -> None:
        """Neither taken in nor forgotten: a person decides, or what it lacks comes to be known."""
        link = Link(
            self._entity, None, remote.remote_id, "", old.number if old else 0, etag=remote.etag,
            base_remote=dict(remote.fields), raw=remote.raw, held=True,
        )  # fmt: skip
        link = self._book.save(tx, link)
        several = bool(problem.candidates)
        cause, ours = (Cause.AMBIGUOUS, list(problem.candidates)) if several else (Cause.REFUSED_HERE, None)
        self._book.settle(tx, link, WHOLE)
        found = Dispute(WHOLE, None, ours, dict(remote.fields), Live.UNDECIDED, cause, note=problem.code)
        self._dispute(tx, link, found, remote)

    def _moved(self, tx: Any, remote: Remote, old: Link | None, other: Link, refused: Mapping[str, Refused]) -> None:
        """An unknown item carries the id of something that has a link: the same one under a new id when the old is gone
        or never was, else a copy, which is left alone."""
        if old is not None:
            self._book.forget(tx, old)
        if other.gone_since is not None or not other.base_remote:
            self._known(tx, remote, replace(other, remote_id=remote.remote_id), refused)
        else:
            self._book.save(tx, Link(self._entity, None, remote.remote_id, "", etag=remote.etag))

    def _known(self, tx: Any, remote: Remote, link: Link, refused: Mapping[str, Refused]) -> None:
        if link.held:
            self._settle(tx, link)
        link = replace(landed(link, remote), etag=remote.etag, raw=remote.raw, gone_since=None, held=False, dead=False)
        local = self._replica.read(tx, link.local_id or "")
        if local is None:
            link = self._deleted_here(tx, link, remote)
            self._touch(tx, self._book.save(tx, link))
            return
        found = merge(local.fields, remote.fields, link, self._owners, newer=is_newer(remote, local))
        link = replace(link, base_local=found.base_local, base_remote=_seen(found.base_remote, remote))
        link = self._book.save(tx, link)
        for dispute in found.disputes:
            self._dispute(tx, link, dispute, remote)
        link = self._refuse(tx, link, local, {name: refused[name] for name in found.take if name in refused}, remote)
        link = self._take(tx, link, {name: v for name, v in found.take.items() if name not in refused}, remote)
        now = self._replica.read(tx, link.local_id or "")
        if now is None or dirty(now.fields, link, self._owners):
            self._touch(tx, link)

    def _take(self, tx: Any, link: Link, take: Mapping[str, Any], remote: Remote) -> Link:
        if not take or link.local_id is None:
            return link
        self._replica.apply(tx, link.local_id, take, remote)
        self._tally.pulled += 1
        after = self._replica.read(tx, link.local_id)
        ours = after.fields if after is not None else take
        agreed = {name: ours.get(name, value) for name, value in take.items()}
        return self._book.save(
            tx,
            replace(link, base_local={**link.base_local, **agreed}, base_remote={**link.base_remote, **take}),
        )

    def _refuse(self, tx: Any, link: Link, local: Local, refused: Mapping[str, Refused], remote: Remote) -> Link:
        for name, problem in refused.items():
            ours, theirs = local.fields[name], remote.fields[name]
            base = link.base_local.get(name)
            found = Dispute(name, base, ours, theirs, Live.OURS, Cause.REFUSED_HERE, note=problem.code)
            self._dispute(tx, link, found, remote)
            link = put_back(name, link, theirs)
        return self._book.save(tx, link) if refused else link

    def _deleted_here(self, tx: Any, link: Link, remote: Remote) -> Link:
        """Ours is gone; what was edited there since counts more than our deletion, if it can be taken back."""
        edited = {
            name: value
            for name, value in remote.fields.items()
            if self._owners.get(name, Owner.OFF) is not Owner.OFF and link.base_remote.get(name, _NOTHING) != value
        }
        if edited and self._replica.revive(tx, link.local_id or "", remote):
            self._tally.pulled += 1
            local = self._replica.read(tx, link.local_id or "")
            ours = dict(local.fields) if local is not None else {}
            return replace(link, base_local=ours, base_remote=dict(remote.fields))
        for name, value in edited.items():
            base = link.base_local.get(name)
            found = Dispute(name, base, None, value, Live.OURS, Cause.DELETED_HERE, attention=False)
            self._dispute(tx, link, found, remote)
        return replace(link, base_remote={**link.base_remote, **edited})

    def _dispute(self, tx: Any, link: Link, found: Dispute, remote: Remote | None = None) -> None:
        self._tally.conflicts += 1
        if remote is not None:
            found = replace(found, theirs_by=remote.by, theirs_at=remote.modified)
        self._book.dispute(tx, link, found)
        if found.attention and link.local_id is not None:
            self._replica.disputed(tx, link.local_id, found.field, open_=True)

    def _settle(self, tx: Any, link: Link) -> None:
        self._book.settle(tx, link, WHOLE)
        self._replica.disputed(tx, link.local_id or "", WHOLE, open_=False)

    def _touch(self, tx: Any, link: Link) -> None:
        if link.local_id is not None:
            self._book.touch(tx, self._entity, [link.local_id])


def _seen(base: Mapping[str, Any], remote: Remote) -> Mapping[str, Any]:
    """Never empty: an empty base means that the item was never seen there."""
    return base or dict(remote.fields)
