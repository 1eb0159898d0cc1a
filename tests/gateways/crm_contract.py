"""What every connector to a patient system or CRM must do on top of ``ConnectorContract``: canonical fields, statuses,
opt-outs, bad days. Run it for both entities; see ``test_connector_example.py`` for the shortest subclass."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from reminders.domain.appointment import Status
from reminders.domain.connector import (
    Batching,
    Hooked,
    LoginRefused,
    Missing,
    PeerError,
    Precondition,
    Put,
    Refused,
)
from reminders.domain.crm import ENTITIES, OPT_OUTS, PATIENT, VISIT, System
from reminders.domain.sync import canonical_moment
from tests.factories import MONDAY
from tests.gateways.connector_contract import ConnectorContract, Peering
from tests.gateways.fake_system import FakeSystem, Fault, Said


class CrmPeering(Peering):
    """One connector with its fake system. ``refs``: ids there that visits refer to, at least three patients, two
    providers and two services (leave out what the system does not keep)."""

    system: ClassVar[System]
    fake: FakeSystem
    refs: Mapping[str, Sequence[str]]
    #: Statuses that are read back as they were written.
    statuses: ClassVar[Sequence[str]] = ("booked", "cancelled", "fulfilled")
    #: What the system calls people who work there, if it says who changed a record.
    somebody: ClassVar[str | None] = None

    @property
    def some_field(self) -> str:  # type: ignore[override]
        return "name" if self.entity == PATIENT else "status"

    def uid(self, number: int) -> str:
        return f"{'pat' if self.entity == PATIENT else 'apt'}_{number:08d}"

    def sample(self, number: int) -> dict[str, Any]:
        kept = self.system.fields[self.entity]
        values = _patient(number) if self.entity == PATIENT else self._visit(number)
        return {name: value for name, value in values.items() if name in kept}

    def _visit(self, number: int) -> dict[str, Any]:
        start = MONDAY + timedelta(days=7, hours=number)
        refs = {name: ids[number % len(ids)] for name, ids in self.refs.items()}
        status = self.statuses[(number - 1) % len(self.statuses)]
        return {
            "start": canonical_moment(start), "end": canonical_moment(start + timedelta(minutes=30)), **refs,
            "status": status, "confirmed": number % 2 == 0,
            "cancel_reason": "" if status != "cancelled" else f"reason {number}",
        }  # fmt: skip

    # What tests can do to the system; the defaults suit most

    def refuse_login(self) -> None:
        """From now on the credentials are wrong."""
        self.fake.faults += [Fault(Said(401, {"error": "unauthorized"}))] * 100

    def limit(self, seconds: int) -> None:
        """The next requests come too fast."""
        self.fake.faults += [Fault(Said(429, {"error": "slow down"}, {"Retry-After": str(seconds)}))] * 5

    def break_down(self) -> None:
        self.fake.faults += [Fault(Said(503, "<html>down</html>"))] * 5

    def lose_answer(self) -> None:
        """The next write is carried out, and nobody is told."""
        self.fake.faults += [Fault(after=True)]

    def mend(self) -> None:
        self.fake.faults.clear()

    @abstractmethod
    def add_foreign(self, remote_id: str) -> Any:
        """Set a property there that we know nothing of; returns its value."""

    @abstractmethod
    def foreign(self, remote_id: str) -> Any:
        """That property as it is now."""

    def webhook(self, remote_id: str) -> tuple[dict[str, str], bytes]:
        """Headers (lower case) and body of a webhook about this item, correctly signed, at ``fake.clock``."""
        raise NotImplementedError


def _patient(number: int) -> dict[str, Any]:
    return {
        "name": f"Ana María Ruiz{number}", "phone": f"+1202555{100 + number:04d}",
        "email": f"patient{number}@example.org", "language": ("es", "en", "fr")[number % 3], "birth_year": 1950 + number,
        "sms_opt_out": number % 2 == 0, "voice_opt_out": number % 3 == 0, "email_opt_out": number % 2 == 1,
    }  # fmt: skip


class CrmContract(ConnectorContract):
    """Subclass with a fixture ``peering``, one for each entity."""

    @pytest.fixture
    @abstractmethod
    def peering(self, request: pytest.FixtureRequest) -> Any: ...

    def test_patients_come_before_visits(self, peering: CrmPeering) -> None:
        kept = [entity for entity in ENTITIES if entity in peering.connector.entities]
        assert list(peering.connector.entities) == kept
        assert set(kept) == set(peering.system.fields)

    def test_the_account_says_what_it_is(self, peering: CrmPeering) -> None:
        assert peering.connector.check().strip()

    def test_it_shows_what_it_says_it_keeps(self, peering: CrmPeering) -> None:
        name = peering.make(peering.sample(1))
        seen = peering.look(name).fields
        assert set(seen) <= peering.system.fields[peering.entity]
        assert dict(seen) == {**seen, **peering.sample(1)}

    def test_nothing_is_an_empty_text(self, peering: CrmPeering) -> None:
        name = peering.create(1).remote_id
        empty = "phone" if peering.entity == PATIENT else "cancel_reason"
        if empty not in peering.system.fields[peering.entity]:
            pytest.skip("not kept by this system")
        fields = {**peering.look(name).fields, empty: ""}
        self._put(peering, name, fields, empty)
        assert peering.look(name).fields[empty] == ""

    @pytest.mark.parametrize("text", ['O\'Brien "Bob" \\ Núñez', "a' OR Name != '", "李 小龙", "<b>&amp; x"])
    def test_texts_arrive_as_they_are(self, peering: CrmPeering, text: str) -> None:
        field = "name" if peering.entity == PATIENT else "cancel_reason"
        if field not in peering.system.fields[peering.entity]:
            pytest.skip("not kept by this system")
        fields = {**peering.sample(1), field: text}
        if peering.entity == VISIT:
            fields |= {"status": "cancelled"} if "cancelled" in peering.statuses else {}
        name = peering.connector.put(peering.entity, peering.write(1, fields=fields)).remote_id
        assert peering.look(name).fields[field] == text

    @pytest.mark.parametrize("status", [status.value for status in Status])
    def test_every_status_has_a_word_that_lasts(self, peering: CrmPeering, status: str) -> None:
        if peering.entity != VISIT:
            pytest.skip("about visits")
        name = peering.create(1).remote_id
        try:
            self._put(peering, name, {**peering.look(name).fields, "status": status}, "status")
        except Refused:
            return  # a step that this system does not allow
        shown = peering.look(name).fields["status"]
        assert shown in list(Status)
        assert shown == status or status not in peering.statuses
        self._put(peering, name, peering.look(name).fields, "status")
        assert peering.look(name).fields["status"] == shown

    def test_opt_outs_go_both_ways(self, peering: CrmPeering) -> None:
        kept = sorted(set(OPT_OUTS) & peering.system.fields[peering.entity])
        if not kept:
            pytest.skip("not kept by this system")
        name = peering.make({**peering.sample(1), **dict.fromkeys(kept, False)})
        for field in kept:
            assert peering.look(name).fields[field] is False
            peering.edit(name, {field: True})
            assert peering.look(name).fields[field] is True
        other = peering.make({**peering.sample(2), **dict.fromkeys(kept, False)})
        for field in kept:
            self._put(peering, other, {**peering.look(other).fields, field: True}, field)
            assert peering.look(other).fields[field] is True

    def test_who_changed_it_is_said(self, peering: CrmPeering) -> None:
        put = peering.create(1)
        ours = peering.look(put.remote_id)
        assert ours.by is None or ours.by != peering.somebody
        peering.edit(put.remote_id, {peering.some_field: peering.sample(3)[peering.some_field]})
        there = peering.look(put.remote_id)
        assert there.by == peering.somebody

    def test_what_we_do_not_know_survives(self, peering: CrmPeering) -> None:
        name = peering.create(1).remote_id
        value = peering.add_foreign(name)
        peering.update(name, 2, peering.some_field)
        assert peering.foreign(name) == value

    def test_many_that_changed_at_one_moment(self, peering: CrmPeering) -> None:
        """More than a page of them, all with the same time of change; later ones are noticed, too."""
        names = {peering.make(peering.sample(1 + number % 3)) for number in range(self.many)}
        found, cursor = peering.everything()
        assert found == names
        late = peering.make(peering.sample(2))
        assert late in peering.since(cursor)
        peering.fake.clock.advance(timedelta(hours=1))
        _, cursor = peering.everything()
        edited = sorted(names)[0]
        peering.edit(edited, {peering.some_field: peering.sample(3)[peering.some_field]})
        assert peering.since(cursor)[edited] is False

    #: More than the connector asks for with one request.
    many: ClassVar[int] = 120

    def test_a_refused_login_says_so(self, peering: CrmPeering) -> None:
        peering.refuse_login()
        for call in (
            peering.connector.check,
            lambda: peering.connector.changes(peering.entity, None),
            lambda: peering.create(1),
        ):
            with pytest.raises(LoginRefused):
                call()

    def test_a_limit_says_how_long(self, peering: CrmPeering) -> None:
        peering.limit(37)
        with pytest.raises(PeerError) as caught:
            peering.connector.changes(peering.entity, None)
        assert not isinstance(caught.value, LoginRefused)
        assert caught.value.retry_after == 37

    def test_a_breakdown_is_no_empty_list(self, peering: CrmPeering) -> None:
        name = peering.create(1).remote_id
        _, cursor = peering.everything()
        for call in (
            lambda: peering.connector.changes(peering.entity, cursor),
            lambda: peering.connector.changes(peering.entity, None),
            lambda: peering.connector.fetch(peering.entity, [name]),
            lambda: peering.connector.find(peering.entity, peering.uid(1)),
            lambda: peering.update(name, 2, peering.some_field),
        ):
            peering.break_down()
            with pytest.raises(PeerError):
                call()
            peering.mend()
        assert peering.look(name).fields[peering.some_field] == peering.sample(1)[peering.some_field]

    def test_an_answer_that_never_came_is_found_by_our_id(self, peering: CrmPeering) -> None:
        peering.connector.check()  # whatever a first request needs, such as a token, is there
        peering.lose_answer()
        with contextlib.suppress(PeerError):
            peering.create(1)
        found = peering.connector.find(peering.entity, peering.uid(1))
        assert found is not None
        assert (found.uid, found.rev) == (peering.uid(1), "rev-1")
        assert peering.everything()[0] == {found.remote_id}

    def test_many_are_written_at_once_where_that_is_possible(self, peering: CrmPeering) -> None:
        connector = peering.connector
        if connector.caps.batch < 2 or not isinstance(connector, Batching):
            pytest.skip("one call for each write")
        gone = peering.create(9).remote_id
        seen = peering.look(gone)
        peering.remove(gone)
        missing = peering.write(9, uid=peering.uid(9), remote_id=gone, create=False, etag=seen.etag, raw=seen.raw)
        outcomes = connector.put_many(peering.entity, [peering.write(1), missing, peering.write(2)])
        assert [type(one) for one in outcomes[::2]] == [Put, Put]
        assert isinstance(outcomes[1], Missing | Precondition | Refused)
        for number, outcome in ((1, outcomes[0]), (2, outcomes[2])):
            assert isinstance(outcome, Put)
            assert peering.look(outcome.remote_id).uid == peering.uid(number)

    def test_webhooks_are_verified(self, peering: CrmPeering) -> None:
        connector, now = peering.connector, peering.fake.clock.now()
        if not isinstance(connector, Hooked):
            pytest.skip("this system does not call us")
        name = peering.create(1).remote_id
        headers, body = peering.webhook(name)
        (delivery, *_) = connector.read_webhook(headers, body, now)
        assert delivery.id
        assert connector.read_webhook(headers, body, now)[0].id == delivery.id
        for wrong_headers, wrong_body in ((headers, body + b" "), ({}, body)):
            with pytest.raises(Refused):
                connector.read_webhook(wrong_headers, wrong_body, now)

    def _put(self, peering: CrmPeering, name: str, fields: Mapping[str, Any], *changed: str) -> Put:
        seen = peering.look(name)
        uid = seen.uid or peering.uid(1)
        write = peering.write(
            1, "rev-4", uid=uid, remote_id=name, fields=dict(fields), changed=frozenset(changed), create=False,
            etag=seen.etag, raw=seen.raw,
        )  # fmt: skip
        return peering.connector.put(peering.entity, write)
