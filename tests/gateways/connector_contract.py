"""What every connector must do, whatever its system. A connector's test subclasses ``ConnectorContract`` and says how
people there make, edit and delete items; the same class runs against the server in memory, so that it tests itself."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import pytest

from reminders.domain.connector import Connector, Missing, Precondition, Put, Remote, Write


class Peering(ABC):
    """One connector with its system, and the people who work there."""

    entity: str
    connector: Connector

    @abstractmethod
    def sample(self, number: int) -> dict[str, Any]:
        """Canonical fields of an item; another number gives other values for every field."""

    @abstractmethod
    def make(self, fields: Mapping[str, Any]) -> str:
        """A person makes an item there; returns its id."""

    @abstractmethod
    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        """A person changes fields of an item there."""

    @abstractmethod
    def remove(self, remote_id: str) -> None:
        """A person deletes an item there."""

    #: Names a field that may be changed alone.
    some_field: str

    def uid(self, number: int) -> str:
        """An id of ours for an item."""
        return f"apt_{number:08d}"

    # What the engine does

    def write(self, number: int, rev: str = "rev-1", **changes: Any) -> Write:
        fields, uid = self.sample(number), self.uid(number)
        values = {
            "uid": uid, "remote_id": self.connector.new_id(self.entity, uid), "fields": fields,
            "changed": frozenset(fields), "rev": rev, "create": True,
        }  # fmt: skip
        return Write(**{**values, **changes})

    def create(self, number: int) -> Put:
        return self.connector.put(self.entity, self.write(number))

    def look(self, remote_id: str) -> Remote:
        return self.connector.fetch(self.entity, [remote_id])[remote_id]

    def update(self, remote_id: str, number: int, *names: str, **changes: Any) -> Put:
        """Change these fields to those of another sample."""
        seen = self.look(remote_id)
        fields = {**seen.fields, **{name: self.sample(number)[name] for name in names}}
        return self.connector.put(self.entity, self.write(
            number, "rev-2", uid=seen.uid, remote_id=remote_id, fields=fields, changed=frozenset(names), create=False,
            etag=changes.get("etag", seen.etag), raw=seen.raw,
        ))  # fmt: skip

    def everything(self) -> tuple[set[str], str | None]:
        """Ids of all items, and the cursor afterwards."""
        names: set[str] = set()
        page = self.connector.changes(self.entity, None)
        names.update(item.remote_id for item in page.items if not item.gone)
        while page.more:
            page = self.connector.changes(self.entity, page.cursor)
            names.update(item.remote_id for item in page.items if not item.gone)
        return names, page.cursor

    def since(self, cursor: str | None) -> dict[str, bool]:
        """What a listing names: id, and whether it is gone. What a full listing leaves out is gone, too."""
        found: dict[str, bool] = {}
        while True:
            page = self.connector.changes(self.entity, cursor)
            found |= {item.remote_id: item.gone for item in page.items}
            if not page.more:
                return found
            cursor = page.cursor


class ConnectorContract(ABC):
    """Subclass with a fixture ``peering``."""

    @pytest.fixture
    @abstractmethod
    def peering(self) -> Any: ...

    def test_what_is_written_is_there(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        seen = peering.look(name)
        assert dict(seen.fields) == {**seen.fields, **peering.sample(1)}
        assert (seen.uid, seen.rev) == (peering.uid(1), "rev-1")
        assert name in peering.everything()[0]

    def test_a_repeated_create_makes_no_second_item(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        if peering.connector.new_id(peering.entity, "x") is not None:
            with pytest.raises(Precondition):
                peering.create(1)
        found = peering.connector.find(peering.entity, peering.uid(1))
        assert found is not None
        assert found.remote_id == name
        assert len(peering.everything()[0]) == 1

    def test_what_nobody_knows_is_not_found(self, peering: Peering) -> None:
        assert peering.connector.find(peering.entity, peering.uid(9)) is None
        assert peering.connector.fetch(peering.entity, [f"{peering.uid(9)}.ics"]) == {}

    def test_only_what_changed_is_replaced(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        peering.update(name, 2, peering.some_field)
        seen = peering.look(name)
        expected = {**peering.sample(1), peering.some_field: peering.sample(2)[peering.some_field]}
        assert dict(seen.fields) == {**seen.fields, **expected}
        assert seen.rev == "rev-2"

    def test_the_etag_changes_with_every_change(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        before = peering.look(name).etag
        peering.edit(name, {peering.some_field: peering.sample(2)[peering.some_field]})
        assert before is None or peering.look(name).etag != before

    def test_nobody_is_overwritten_unseen(self, peering: Peering) -> None:
        if not peering.connector.caps.if_match:
            pytest.skip("this system cannot refuse a write")
        name = peering.create(1).remote_id
        before = peering.look(name).etag
        peering.edit(name, {peering.some_field: peering.sample(2)[peering.some_field]})
        with pytest.raises(Precondition):
            peering.update(name, 3, peering.some_field, etag=before)
        with pytest.raises(Precondition):
            peering.connector.delete(peering.entity, name, before)
        assert peering.look(name).fields[peering.some_field] == peering.sample(2)[peering.some_field]

    def test_people_are_noticed(self, peering: Peering) -> None:
        kept = peering.create(1).remote_id
        _, cursor = peering.everything()
        made = peering.make(peering.sample(2))
        peering.edit(kept, {peering.some_field: peering.sample(3)[peering.some_field]})
        named = peering.since(cursor)
        assert named[made] is False
        assert named[kept] is False
        assert peering.look(made).uid is None

    def test_deletions_are_noticed(self, peering: Peering) -> None:
        name, other = peering.create(1).remote_id, peering.create(2).remote_id
        _, cursor = peering.everything()
        peering.remove(name)
        assert peering.since(cursor).get(name, True) is True
        assert peering.everything()[0] == {other}
        assert peering.connector.fetch(peering.entity, [name]) == {}

    def test_without_changes_nothing_is_to_be_fetched(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        _, cursor = peering.everything()
        page = peering.connector.changes(peering.entity, cursor)
        etag = peering.look(name).etag
        assert not page.more
        assert all(item.etag == etag for item in page.items)

    def test_a_listing_from_nothing_is_a_full_one(self, peering: Peering) -> None:
        names = {peering.create(number).remote_id for number in range(1, 6)}
        page = peering.connector.changes(peering.entity, None)
        assert page.full
        assert peering.everything()[0] == names

    def test_what_is_gone_can_be_deleted_again(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        etag = peering.look(name).etag
        peering.connector.delete(peering.entity, name, etag)
        with contextlib.suppress(Missing):
            peering.connector.delete(peering.entity, name, etag)
        assert peering.everything()[0] == set()

    def test_a_write_to_what_is_gone_says_so(self, peering: Peering) -> None:
        name = peering.create(1).remote_id
        seen = peering.look(name)
        peering.remove(name)
        write = peering.write(
            2, "rev-3", uid=peering.uid(1), remote_id=name, create=False, etag=seen.etag, raw=seen.raw
        )  # fmt: skip
        with pytest.raises((Missing, Precondition)):
            peering.connector.put(peering.entity, write)
