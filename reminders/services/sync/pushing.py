"""From here to there: an intent is committed before every write, the outcome after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from reminders.domain.connector import Batching, Missing, PeerError, Precondition, Put, Refused, Remote, Write
from reminders.domain.replica import Local
from reminders.domain.sync import MOST_SENDS, WHOLE, Cause, Dispute, Link, Live, Owner, dirty, fingerprint
from reminders.services.sync.meeting import Meeting
from reminders.services.sync.parts import Parts, Tally, Touch

_PAGE = 200
#: How often one thing is looked at again within a run, when the other side keeps changing under us.
_TRIES = 3

Outcome = Put | Precondition | Missing | Refused | PeerError


@dataclass(frozen=True, slots=True)
class Step:
    """What has to be done for one touched thing. Neither ``write`` nor ``delete`` nor ``look``: nothing."""

    touch: Touch
    link: Link | None = None
    write: Write | None = None
    delete: bool = False
    look: bool = False


class Push:
    """Carries over what changed here."""

    def __init__(self, parts: Parts, entity: str, meeting: Meeting, tally: Tally) -> None:
        self._parts, self._book, self._entity = parts, parts.book, entity
        self._meeting, self._tally = meeting, tally
        self._replica = parts.replicas[entity]
        self._owners: Mapping[str, Owner] = parts.owners[entity]
        self._size = parts.connector.caps.batch
        self._possible: frozenset[str] = frozenset()

    def run(self) -> None:
        """Everything that was touched. Who may be somebody there waits until a person has said so: writing would make
        that somebody twice."""
        after: str | None = None
        while True:
            page = self._book.look(partial(self._touched, after=after))
            for start in range(0, len(page), self._size):
                self._book.beat()
                self._group(page[start : start + self._size])
                self._parts.watch(self._tally)
            if len(page) < _PAGE:
                return
            after = page[-1].local_id

    def sweep(self) -> None:
        """Compare everything we have with what we remember: for the first run and once a day."""
        after: str | None = None
        while True:
            ids = self._book.run(partial(self._sweep, after=after))
            if len(ids) < _PAGE:
                return
            after = ids[-1]
            self._book.beat()

    def _touched(self, tx: Any, after: str | None) -> Sequence[Touch]:
        page = self._book.touched(tx, self._entity, after, _PAGE)
        self._possible = self._book.candidates(tx, self._entity) if page else self._possible
        return page

    def _sweep(self, tx: Any, after: str | None) -> Sequence[str]:
        ids = self._replica.everything(tx, after, _PAGE)
        self._book.touch(tx, self._entity, [local_id for local_id in ids if self._is_open(tx, local_id)])
        return ids

    def _is_open(self, tx: Any, local_id: str) -> bool:
        link, local = self._book.link_of(tx, self._entity, local_id), self._replica.read(tx, local_id)
        if link is None or link.dead:
            return local is not None and not local.final and not (link is not None and link.held)
        return local is None or bool(dirty(local.fields, link, self._owners))

    def _group(self, touches: Sequence[Touch]) -> None:
        """Prepare, send and record some at once; those that need a look at the other side first come one by one."""
        steps = self._book.run(lambda tx: [self._prepare(tx, touch, looked=False) for touch in touches])
        self._carry_out(steps)
        for step in steps:
            if step.look or step.write:
                self._again(step.touch, step.look)

    def _again(self, touch: Touch, look: bool) -> None:
        """Look and try once more, while there is something to do for this thing."""
        for _ in range(_TRIES):
            if look and not self._look(touch):
                return
            step = self._book.run(partial(self._prepare, touch=touch, looked=look))
            if not (step.write or step.delete or step.look):
                return
            self._carry_out([step])
            look = step.look

    def _carry_out(self, steps: Sequence[Step]) -> None:
        writing = [step for step in steps if step.write is not None]
        for step in steps:
            if step.delete and step.link is not None:
                self._delete(step.touch, step.link)
        if not writing:
            return
        try:
            outcomes = self._send([step.write for step in writing if step.write is not None])
        except PeerError:
            self._book.run(partial(self._all_unsent, steps=writing))
            raise
        for step, outcome in zip(writing, outcomes, strict=True):
            self._record(step, outcome)

    def _prepare(self, tx: Any, touch: Touch, *, looked: bool) -> Step:
        """Compare, and when something has to be written, commit to it: what, and under which marker."""
        link = self._book.link_of(tx, self._entity, touch.local_id)
        local = self._replica.read(tx, touch.local_id)
        if link is not None and link.dead and link.held:
            return self._clean(tx, touch)
        if link is not None and link.held and local is not None and not local.final:
            link = self._meeting.revived(tx, link) if dirty(local.fields, link, self._owners) else link
        if link is not None and link.gone_since is not None and not link.dead:
            return Step(touch)
        if link is not None and link.pending is not None:
            return Step(touch, link, look=True)
        if link is None or link.dead:
            if local is None or local.final:
                return self._clean(tx, touch)
            if not local.ready or touch.local_id in self._possible:
                return Step(touch)
            link = self._created(link, touch.local_id)
        if local is None:
            return self._removal(tx, touch, link, looked)
        return self._change(tx, touch, link, local, looked)

    def _created(self, old: Link | None, local_id: str) -> Link:
        remote_id = self._parts.connector.new_id(self._entity, local_id)
        return Link(self._entity, local_id, remote_id, local_id, number=old.number if old is not None else 0)

    def _removal(self, tx: Any, touch: Touch, link: Link, looked: bool) -> Step:
        if not link.base_remote:
            self._book.save(tx, replace(link, dead=True))
            return self._clean(tx, touch)
        if not self._parts.connector.caps.if_match and not looked:
            return Step(touch, link, look=True)
        return Step(touch, link, delete=True)

    def _change(self, tx: Any, touch: Touch, link: Link, local: Local, looked: bool) -> Step:
        names = dirty(local.fields, link, self._owners)
        if not names:
            return self._clean(tx, touch)
        create = not link.base_remote
        if create and link.remote_id is None:
            link = replace(link, remote_id=self._parts.connector.new_id(self._entity, link.uid))
        if not create and not self._parts.connector.caps.if_match and not looked:
            return Step(touch, link, look=True)
        values = {name: local.fields[name] for name in sorted(names)}
        mark = fingerprint(values)
        count = link.sent_n + 1 if mark == link.sent_hash else 1
        if count > MOST_SENDS:
            return self._stuck(tx, touch, link, local, names)
        link = replace(link, pending=values, rev=self._parts.new_rev(), sent_hash=mark, sent_n=count)
        link = self._book.save(tx, link)
        sent = {name: value for name, value in local.fields.items() if self._owners.get(name) not in (None, Owner.OFF)}
        write = Write(link.uid, link.remote_id, sent, names, link.rev or "", create, link.etag, link.raw)
        return Step(touch, link, write)

    def _stuck(self, tx: Any, touch: Touch, link: Link, local: Local, names: frozenset[str]) -> Step:
        if link.sent_n <= MOST_SENDS:
            for name in sorted(names):
                ours, theirs = local.fields[name], link.base_remote.get(name)
                self._tally.conflicts += 1
                base = link.base_local.get(name)
                self._book.dispute(tx, link, Dispute(name, base, ours, theirs, Live.OURS, Cause.NOT_KEPT))
            self._book.save(tx, replace(link, sent_n=MOST_SENDS + 1))
        return self._clean(tx, touch)

    def _clean(self, tx: Any, touch: Touch) -> Step:
        self._book.untouch(tx, self._entity, touch)
        return Step(touch)

    def _send(self, writes: Sequence[Write]) -> Sequence[Outcome]:
        connector = self._parts.connector
        if len(writes) > 1 and isinstance(connector, Batching):
            return connector.put_many(self._entity, writes)
        return [self._send_one(write) for write in writes]

    def _send_one(self, write: Write) -> Outcome:
        try:
            return self._parts.connector.put(self._entity, write)
        except (Precondition, Missing, Refused) as problem:
            return problem

    def _record(self, step: Step, outcome: Outcome) -> None:
        if isinstance(outcome, PeerError):
            self._book.run(lambda tx: self._unsent(tx, step))
            raise outcome
        if isinstance(outcome, Put):
            read_back = self._book.run(lambda tx: self._sent(tx, step, outcome))
            self._tally.pushed += 1
            if read_back is not None:
                self._meeting.reconcile(read_back)
        elif isinstance(outcome, Refused):
            self._book.run(lambda tx: self._refused(tx, step, outcome))
        # Precondition and Missing: the intent stands, and whoever looks at it next finds out

    def _sent(self, tx: Any, step: Step, put: Put) -> Remote | None:
        """The write is through. Returns what is stored when that has to be compared once more."""
        link, write = self._current(tx, step), step.write
        if link is None or write is None or link.rev != write.rev:
            return None
        link = replace(link, remote_id=put.remote_id)
        if put.stored is None and put.etag is None:
            self._book.save(tx, link)  # still pending: a look will tell what became of it
            return None
        stored = self._replica.canonical(put.stored).fields if put.stored is not None else {}
        values = link.pending or {}
        theirs = {name: stored.get(name, value) for name, value in values.items()}
        link = replace(
            link, pending=None, etag=put.stored.etag if put.stored else put.etag,
            raw=put.stored.raw if put.stored else put.raw or link.raw,
            base_local={**link.base_local, **values}, base_remote={**link.base_remote, **theirs},
        )  # fmt: skip
        self._book.save(tx, link)
        self._finish(tx, step.touch, link)
        return put.stored

    def _finish(self, tx: Any, touch: Touch, link: Link) -> None:
        local = self._replica.read(tx, touch.local_id)
        if local is not None and not dirty(local.fields, link, self._owners):
            self._book.untouch(tx, self._entity, touch)

    def _refused(self, tx: Any, step: Step, problem: Refused) -> None:
        """They do not take it: ours stays as it is, a person is told, and it is not sent again until it changes."""
        link = self._current(tx, step)
        if link is None:
            return
        found = Dispute(WHOLE, None, None, None, Live.OURS, Cause.REFUSED_THERE, note=problem.code)
        self._tally.conflicts += 1
        self._book.dispute(tx, link, found)
        self._book.save(tx, replace(link, pending=None, sent_n=MOST_SENDS + 1))
        self._book.untouch(tx, self._entity, step.touch)

    def _all_unsent(self, tx: Any, steps: Sequence[Step]) -> None:
        for step in steps:
            self._unsent(tx, step)

    def _unsent(self, tx: Any, step: Step) -> None:
        """No answer: the intent stands, but it does not count as an attempt that the other side answered."""
        link = self._current(tx, step)
        if link is not None:
            self._book.save(tx, replace(link, sent_n=max(0, link.sent_n - 1)))

    def _current(self, tx: Any, step: Step) -> Link | None:
        return self._book.link_of(tx, self._entity, step.touch.local_id)

    def _delete(self, touch: Touch, link: Link) -> None:
        try:
            self._parts.connector.delete(self._entity, link.remote_id or "", link.etag)
        except Precondition:
            self._look(touch)
            return
        except Refused as problem:
            self._book.run(partial(self._refused, step=Step(touch), problem=problem))
            return
        except Missing:
            pass
        self._tally.pushed += 1
        self._book.run(lambda tx: self._deleted(tx, touch))

    def _deleted(self, tx: Any, touch: Touch) -> None:
        link = self._book.link_of(tx, self._entity, touch.local_id)
        if link is not None:
            self._book.save(tx, replace(link, dead=True, held=False, pending=None, gone_since=None))
        if self._replica.read(tx, touch.local_id) is None:
            self._book.untouch(tx, self._entity, touch)

    def _look(self, touch: Touch) -> bool:
        """Compare with what is there now; false when there is nothing to look at any more."""
        link = self._book.look(lambda tx: self._book.link_of(tx, self._entity, touch.local_id))
        if link is None or link.dead:
            return False
        remote = self._seen(link)
        if remote is None:
            self._book.run(lambda tx: self._meeting.missing(tx, link))
        else:
            self._meeting.reconcile(remote)
        return True

    def _seen(self, link: Link) -> Remote | None:
        if link.remote_id is None:
            return self._parts.connector.find(self._entity, link.uid)
        return self._parts.connector.fetch(self._entity, [link.remote_id]).get(link.remote_id)
