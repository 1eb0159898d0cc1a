"""Accounts and sessions: what opens, what ends them, and what is kept."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from reminders.clock import ManualClock
from reminders.domain.actor import Role
from reminders.domain.staff import (
    FORMER_LIFE,
    IDLE_LIFE,
    MOST_TRIES_PER_ADDRESS,
    MOST_TRIES_PER_NAME,
    ROTATE_AFTER,
    SESSION_LIFE,
    TRY_WINDOW,
)
from reminders.errors import Invalid, NotFound, Throttled, Unauthenticated
from reminders.services.staff import NameTaken, Staff, WeakPassword, WrongPassword
from reminders.settings import load
from reminders.store.engine import Database
from reminders.wiring.service import build
from tests.factories import MONDAY
from tests.house import QUICK

HERE, THERE = "192.0.2.1", "192.0.2.2"
NEW = "green kettle on fire"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY)


@pytest.fixture
def staff(database: Database, clock: ManualClock) -> Staff:
    return Staff(database, clock, QUICK)


def kept(database: Database, table: str) -> list[str]:
    with database.read() as tx:
        return [str(tuple(row)) for row in tx.exec_driver_sql(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("role", [Role.DESK, Role.MANAGER, Role.ADMIN])
def test_an_account_opens_with_its_first_password(staff: Staff, role: Role) -> None:
    password = staff.create("Ana", role, "zh_Hans")
    visitor = staff.resume(staff.sign_in(" ANA", password, HERE))
    assert (visitor.name, visitor.role, visitor.language, visitor.token) == ("ana", role, "zh_Hans", None)
    assert visitor.user_id.startswith("usr_")


def test_first_passwords_are_long_and_never_the_same(staff: Staff) -> None:
    passwords = {staff.create(f"ana{number}", Role.MANAGER) for number in range(20)}
    assert len(passwords) == 20
    assert all(len(password) == 23 for password in passwords)


@pytest.mark.parametrize(("name", "role", "field"), [("a b", Role.MANAGER, "name"), ("ana", Role.INTEGRATION, "role")])
def test_programs_and_odd_names_get_no_account(staff: Staff, name: str, role: Role, field: str) -> None:
    with pytest.raises(Invalid) as problem:
        staff.create(name, role)
    assert problem.value.field == field


def test_a_name_is_given_once_even_after_it_ended(staff: Staff) -> None:
    staff.create("ana", Role.MANAGER)
    staff.end("ana")
    with pytest.raises(NameTaken):
        staff.create("Ana", Role.DESK)
    assert [(row.name, row.ended_at) for row in staff.listing()] == [("ana", MONDAY)]


@pytest.mark.parametrize(
    ("name", "password"), [("ana", "wrong"), ("ana", ""), ("nobody", "{}"), ("", "{}"), ("a b", "{}")]
)
def test_nothing_else_opens(staff: Staff, name: str, password: str) -> None:
    right = staff.create("ana", Role.MANAGER)
    with pytest.raises(WrongPassword):
        staff.sign_in(name, password.format(right), HERE)


def test_neither_password_nor_token_is_kept(staff: Staff, database: Database) -> None:
    password = staff.create("ana", Role.MANAGER)
    token = staff.sign_in("ana", password, HERE)
    users, sessions, tries = (kept(database, name) for name in ("staff_user", "staff_session", "sign_in_try"))
    assert "$argon2id$" in users[0]
    assert password not in users[0]
    assert token not in sessions[0]
    assert not any("ana" in line or HERE in line for line in tries)


def test_the_product_hashes_as_rfc_9106_recommends(sqlite_database_url: str) -> None:
    with closing(build(load({"REMINDERS_DATABASE_URL": sqlite_database_url, "REMINDERS_SENDERS": "1"}))) as service:
        service.use_cases.staff.create("ana", Role.MANAGER)
        assert "$argon2id$v=19$m=65536,t=3,p=4$" in kept(service.database, "staff_user")[0]


def test_a_hash_made_with_less_is_made_anew_at_the_next_sign_in(
    staff: Staff, database: Database, clock: ManualClock
) -> None:
    password = staff.create("ana", Role.MANAGER)
    slower = Staff(database, clock, PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    slower.sign_in("ana", password, HERE)
    assert "m=16,t=2" in kept(database, "staff_user")[0]
    assert slower.sign_in("ana", password, HERE)


class TestTries:
    def test_a_name_waits_after_too_many_wrong_passwords(self, staff: Staff, clock: ManualClock) -> None:
        password = staff.create("ana", Role.MANAGER)
        for number in range(MOST_TRIES_PER_NAME):
            with pytest.raises(WrongPassword):
                staff.sign_in("ana", "wrong", f"192.0.2.{number}")
        with pytest.raises(Throttled):
            staff.sign_in("ana", password, "198.51.100.1")
        clock.advance(TRY_WINDOW)
        assert staff.sign_in("ana", password, HERE)

    def test_an_address_waits_after_too_many_names(self, staff: Staff) -> None:
        password = staff.create("ana", Role.MANAGER)
        for number in range(MOST_TRIES_PER_ADDRESS):
            with pytest.raises(WrongPassword):
                staff.sign_in(f"guess{number}", "wrong", HERE)
        with pytest.raises(Throttled):
            staff.sign_in("ana", password, HERE)
        assert staff.sign_in("ana", password, THERE)

    def test_the_right_password_forgives_the_wrong_ones(self, staff: Staff) -> None:
        password = staff.create("ana", Role.MANAGER)
        for _ in range(2):
            for _ in range(MOST_TRIES_PER_NAME - 1):
                with pytest.raises(WrongPassword):
                    staff.sign_in("ana", "wrong", HERE)
            staff.sign_in("ana", password, HERE)

    def test_guessing_the_old_password_counts_too(self, staff: Staff) -> None:
        visitor = staff.resume(staff.sign_in("ana", staff.create("ana", Role.MANAGER), HERE))
        for _ in range(MOST_TRIES_PER_NAME):
            with pytest.raises(WrongPassword):
                staff.change_password(visitor, "wrong", NEW, HERE)
        with pytest.raises(Throttled):
            staff.change_password(visitor, "wrong", NEW, HERE)


class TestSessions:
    @pytest.fixture
    def token(self, staff: Staff) -> str:
        return staff.sign_in("ana", staff.create("ana", Role.MANAGER), HERE)

    @pytest.mark.parametrize("wrong", ["", "x", "\x00", "é", "' OR ''='", "x" * 100_000])
    def test_nothing_else_resumes(self, staff: Staff, token: str, wrong: str) -> None:
        with pytest.raises(Unauthenticated):
            staff.resume(wrong)

    def test_the_kept_digest_does_not_resume(self, staff: Staff, token: str, database: Database) -> None:
        with database.read() as tx:
            digest = tx.exec_driver_sql("SELECT token_hash FROM staff_session").scalar_one()
        with pytest.raises(Unauthenticated):
            staff.resume(digest)

    def test_a_token_is_replaced_while_it_is_used(self, staff: Staff, token: str, clock: ManualClock) -> None:
        clock.advance(ROTATE_AFTER)
        fresh = staff.resume(token).token
        assert fresh is not None
        assert fresh != token
        assert staff.resume(token).token is None, "pages asked for at the same moment"
        assert staff.resume(fresh).session_id == staff.resume(token).session_id
        clock.advance(FORMER_LIFE)
        with pytest.raises(Unauthenticated):
            staff.resume(token)
        assert staff.resume(fresh).name == "ana"

    def test_it_ends_when_nobody_uses_it(self, staff: Staff, token: str, clock: ManualClock) -> None:
        clock.advance(IDLE_LIFE)
        with pytest.raises(Unauthenticated):
            staff.resume(token)

    def test_it_ends_after_a_day_of_work_however_much_it_is_used(
        self, staff: Staff, token: str, clock: ManualClock
    ) -> None:
        step = IDLE_LIFE - timedelta(minutes=1)
        for _ in range(SESSION_LIFE // step):
            clock.advance(step)
            token = staff.resume(token).token or token
        clock.advance(step)
        with pytest.raises(Unauthenticated):
            staff.resume(token)

    def test_signing_out_ends_it(self, staff: Staff, token: str) -> None:
        staff.sign_out(token)
        with pytest.raises(Unauthenticated):
            staff.resume(token)

    @pytest.mark.parametrize("ending", ["end", "reset"])
    def test_the_end_of_an_account_and_a_new_password_end_it(self, staff: Staff, token: str, ending: str) -> None:
        getattr(staff, ending)("ana")
        with pytest.raises(Unauthenticated):
            staff.resume(token)

    def test_old_ones_are_cleared_away(self, staff: Staff, token: str, clock: ManualClock, database: Database) -> None:
        clock.advance(IDLE_LIFE)
        staff.sign_in("bo", staff.create("bo", Role.MANAGER), HERE)
        assert len(kept(database, "staff_session")) == 1


class TestPasswords:
    def test_a_new_one_ends_all_sessions_but_the_one_it_begins(self, staff: Staff) -> None:
        old = staff.create("ana", Role.MANAGER)
        first, second = (staff.sign_in("ana", old, HERE) for _ in range(2))
        fresh = staff.change_password(staff.resume(first), old, NEW, HERE)
        for token in (first, second):
            with pytest.raises(Unauthenticated):
                staff.resume(token)
        assert staff.resume(fresh).name == "ana"
        with pytest.raises(WrongPassword):
            staff.sign_in("ana", old, HERE)
        assert staff.sign_in("ana", NEW, HERE)

    def test_letters_count_the_same_however_they_are_typed(self, staff: Staff) -> None:
        old = staff.create("ana", Role.MANAGER)
        staff.change_password(staff.resume(staff.sign_in("ana", old, HERE)), old, "cafe\u0301 y churros", HERE)
        assert staff.sign_in("ana", "café y churros", HERE)

    def test_a_weak_one_is_refused_and_changes_nothing(self, staff: Staff) -> None:
        old = staff.create("ana", Role.MANAGER)
        with pytest.raises(WeakPassword) as problem:
            staff.change_password(staff.resume(staff.sign_in("ana", old, HERE)), old, "short", HERE)
        assert (problem.value.field, problem.value.facts) == ("new", {"weakness": "short"})
        assert staff.sign_in("ana", old, HERE)

    def test_a_lost_one_is_replaced(self, staff: Staff) -> None:
        old = staff.create("ana", Role.MANAGER)
        fresh = staff.reset("Ana")
        with pytest.raises(WrongPassword):
            staff.sign_in("ana", old, HERE)
        assert staff.sign_in("ana", fresh, HERE)

    @pytest.mark.parametrize("name", ["nobody", "gone", "a b"])
    def test_nobody_has_no_password(self, staff: Staff, name: str) -> None:
        staff.create("gone", Role.MANAGER)
        staff.end("gone")
        for verb in (staff.reset, staff.end):
            with pytest.raises(NotFound):
                verb(name)


def test_a_language_is_remembered(staff: Staff) -> None:
    token = staff.sign_in("ana", staff.create("ana", Role.MANAGER), HERE)
    staff.speak(staff.resume(token), "zh_Hans")
    assert staff.resume(token).language == "zh_Hans"
