"""API keys by their hash, and requests that take effect once however often they are sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from reminders.domain.actor import Once
from reminders.errors import KeyReused
from reminders.store import clinic, keys, outbox
from reminders.store.engine import Database
from reminders.store.tables import IdempotencyKey, Outbox
from tests.factories import together, uid

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
ONCE = Once("key_1", "abc", "fingerprint")


def request(tx, once: Once, name: str) -> str:
    """An effect that is carried out once: the name of whoever carried it out."""
    earlier = keys.claim_once(tx, once, name, NOW)
    if earlier is None:
        outbox.add(tx, "effect", name, {}, NOW)
    return earlier or name


def effects(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(Outbox.key).order_by(Outbox.id)).scalars())


def test_a_repeat_finds_what_the_first_did(database):
    assert database.run(lambda tx: request(tx, ONCE, "first")) == "first"
    with database.read() as tx:
        assert keys.is_known(tx, ONCE)
        assert not keys.is_known(tx, Once("key_2", "abc", "fingerprint"))
    assert database.run(lambda tx: request(tx, ONCE, "second")) == "first"
    assert effects(database) == ["first"]


def test_another_request_with_the_same_key_is_refused(database):
    database.run(lambda tx: request(tx, ONCE, "first"))
    with pytest.raises(KeyReused):
        database.run(lambda tx: request(tx, Once("key_1", "abc", "other"), "second"))
    assert database.run(lambda tx: request(tx, Once("key_2", "abc", "other"), "third")) == "third"
    assert effects(database) == ["first", "third"]


def test_what_was_rolled_back_may_be_tried_again(database):
    def failing(tx) -> None:
        request(tx, ONCE, "first")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.run(failing)
    assert database.run(lambda tx: request(tx, ONCE, "second")) == "second"
    assert effects(database) == ["second"]


def test_simultaneous_repeats_take_effect_once(database):
    for attempt in range(8):
        once = Once("key_1", f"race {attempt}", "fingerprint")
        names = [f"{attempt}-{number}" for number in range(6)]
        results = together([partial(database.run, partial(request, once=once, name=name)) for name in names])
        assert len(set(results)) == 1
        assert set(results) <= set(names)
        assert len(effects(database)) == attempt + 1


def test_a_repeat_waits_for_the_first_and_steps_in_when_that_fails(database):
    """Half of them fail after claiming: the others still take effect exactly once."""

    def failing(tx, once: Once) -> str:
        request(tx, once, "failed")
        raise RuntimeError

    for attempt in range(5):
        once = Once("key_1", f"shaky {attempt}", "fingerprint")
        works = [partial(failing, once=once)] * 3 + [partial(request, once=once, name=f"kept {attempt}")] * 3
        results = together([partial(database.run, work) for work in works])
        assert results[3:] == [f"kept {attempt}"] * 3
        assert effects(database) == [f"kept {number}" for number in range(attempt + 1)]


def test_old_requests_are_forgotten(database):
    for number in range(3):
        at = NOW + timedelta(hours=number)
        database.run(lambda tx, n=number, at=at: keys.claim_once(tx, Once("key_1", str(n), "f"), "x", at))
    assert database.run(lambda tx: keys.forget_before(tx, NOW + timedelta(hours=2))) == 2
    with database.read() as tx:
        assert list(tx.execute(select(IdempotencyKey.key)).scalars()) == ["2"]


def test_a_key_is_found_by_its_hash_until_it_is_revoked(database):
    number = uid("key")
    with database.write() as tx:
        keys.add(tx, {"uid": number, "role": "desk", "label": "front", "hash": "h1", "created_at": NOW})
        found = keys.by_hash(tx, "h1")
        assert (found.uid, found.role, found.catalogue_version) == (number, "desk", clinic.version(tx))
        assert keys.by_hash(tx, "h2") is None
        clinic.touch(tx)
        assert keys.by_hash(tx, "h1").catalogue_version == found.catalogue_version + 1
        assert keys.revoke(tx, number, NOW)
        assert not keys.revoke(tx, number, NOW)
        assert keys.by_hash(tx, "h1") is None
        assert keys.by_uid(tx, number) is None
