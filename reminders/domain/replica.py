"""Our side of what is kept in step with another system: what it should show there, and what becomes of changes made there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from reminders.domain.connector import Fields, Remote


@dataclass(frozen=True, slots=True)
class Local:
    """What the other side should show of one of our things. ``final``: nobody misses it when it is deleted there.
    ``modified``: when it last changed here, if that is known. ``ready`` false: something that it refers to is not there
    yet, so it is not created until then."""

    fields: Fields
    final: bool = False
    modified: datetime | None = None
    ready: bool = True


class Fate(StrEnum):
    """What becomes of our thing when it was deleted in the other system."""

    DROP = "drop"  # it is gone (or cancelled) here, too
    RESTORE = "restore"  # put it back there
    ASK = "ask"  # a person decides; until then nothing is written there


class Replica(Protocol):
    """Our side of one kind of thing, inside a transaction ``tx`` that the engine opened.

    ``apply`` and the others that change something go through the services' own rules: a remote change is a request.
    They raise ``Refused`` to say no; the transaction is then rolled back, so they may have written before.
    """

    def canonical(self, remote: Remote) -> Remote:
        """The item with its fields in canonical form, where a connector cannot know it (a phone in national form)."""
        ...

    def read(self, tx: Any, local_id: str) -> Local | None:
        """What should be there; ``None`` when nothing should."""
        ...

    def match(self, tx: Any, remote: Remote) -> str | None:
        """Which of our things an unknown item is: by our id, then by verified facts. ``None``: none of them. ``Refused``
        with candidates when a person has to say."""
        ...

    def create(self, tx: Any, remote: Remote) -> str | None:
        """Take in an item made there; returns its id here, or ``None`` when it is none of our business. Refused, it waits
        in the conflict list. What is left out of it is listed there, too."""
        ...

    def apply(self, tx: Any, local_id: str, fields: Fields, remote: Remote) -> None:
        """Carry out what was changed there: only the fields that changed."""
        ...

    def removed(self, tx: Any, local_id: str) -> Fate:
        """It was deleted there and not touched here: what now? Carries out a ``DROP`` itself."""
        ...

    def drop(self, tx: Any, local_id: str) -> None:
        """It was deleted there, and a person wants it gone (or cancelled) here, too."""
        ...

    def revive(self, tx: Any, local_id: str, remote: Remote) -> bool:
        """It is gone here, but was edited there: take it back if that is possible."""
        ...

    def everything(self, tx: Any, after: str | None, limit: int) -> Sequence[str]:
        """Ids of all that should be there, in a stable order, for the daily comparison and the first run."""
        ...

    def disputed(self, tx: Any, local_id: str, field: str, *, open_: bool) -> None:
        """A conflict about this field was opened or closed; ``*`` stands for the whole thing."""
        ...


@runtime_checkable
class Expecting(Protocol):
    """A ``Replica`` whose items refer to others: what was refused because those were not known may be welcome later."""

    def waiting(self, tx: Any) -> Sequence[str]:
        """Items there that are worth another look by now."""
        ...


@runtime_checkable
class Gathering(Protocol):
    """A ``Replica`` that can look up for many new items at once what it would ask of the database for each."""

    def gather(self, tx: Any, remotes: Sequence[Remote]) -> None:
        """These are taken in next, within this transaction. None: it is over, and what was gathered is forgotten."""
        ...


@runtime_checkable
class Recognising(Protocol):
    """A ``Replica`` of things that belong to patients, for previews."""

    def recognise(self, tx: Any, remote: Remote, patient: str) -> str | None:
        """Ours that an item would be, once it is known that its patient is this one of ours."""
        ...


@runtime_checkable
class Judging(Protocol):
    """A ``Replica`` that can say what it would do with an unknown item, for previews."""

    def judge(self, tx: Any, remote: Remote, known: Collection[str]) -> bool:
        """Whether ``create`` would take it in; ``Refused`` as there. ``known``: ids there of patients that would be known
        by then."""
        ...
