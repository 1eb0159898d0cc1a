"""Keys: shown once, kept as a hash, ended at once."""

from __future__ import annotations

import pytest

from reminders.clock import ManualClock
from reminders.domain.actor import Role
from reminders.errors import Unauthenticated
from reminders.services.access import Access
from reminders.store.engine import Database
from tests.factories import MONDAY


@pytest.fixture
def access(database: Database) -> Access:
    return Access(database, ManualClock(MONDAY))


@pytest.mark.parametrize("role", list(Role))
def test_a_key_opens_with_its_role(access: Access, role: Role) -> None:
    key = access.create(role, "front desk")
    caller = access.check(key)
    assert caller.role is role
    assert caller.key_id.startswith("key_")
    assert access.resume(caller.key_id) == caller


def test_keys_are_long_and_never_the_same(access: Access) -> None:
    keys = {access.create(Role.DESK, "") for _ in range(20)}
    assert len(keys) == 20
    assert all(key.startswith("rk_") and len(key) >= 46 for key in keys)


@pytest.mark.parametrize("wrong", ["", "rk_", "x", "rk_" + "A" * 43, "\x00", "é", "' OR ''='", "x" * 100_000])
def test_nothing_else_opens(access: Access, wrong: str) -> None:
    access.create(Role.ADMIN, "")
    with pytest.raises(Unauthenticated):
        access.check(wrong)


def test_nobody_resumes_as_somebody_unknown(access: Access) -> None:
    with pytest.raises(Unauthenticated):
        access.resume("key_unknown")


def test_the_hash_itself_does_not_open(access: Access, database: Database) -> None:
    access.create(Role.ADMIN, "")
    with database.read() as tx:
        kept = tx.exec_driver_sql("SELECT hash FROM api_key").scalar_one()
    with pytest.raises(Unauthenticated):
        access.check(kept)


def test_a_revoked_key_is_over(access: Access) -> None:
    key = access.create(Role.DESK, "")
    caller = access.check(key)
    assert access.revoke(caller.key_id)
    assert not access.revoke(caller.key_id)
    for attempt in (lambda: access.check(key), lambda: access.resume(caller.key_id)):
        with pytest.raises(Unauthenticated):
            attempt()


def test_checking_a_key_takes_one_statement(access: Access, database: Database) -> None:
    key = access.create(Role.DESK, "")
    before = database.statements
    access.check(key)
    assert database.statements - before == 1
