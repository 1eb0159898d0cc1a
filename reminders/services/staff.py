"""People who sign in with a name and a password: accounts, sign-in, sessions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Role
from reminders.domain.staff import (
    FORMER_LIFE,
    IDLE_LIFE,
    MOST_TRIES_PER_ADDRESS,
    MOST_TRIES_PER_NAME,
    SESSION_LIFE,
    TRY_WINDOW,
    canonical,
    is_due,
    is_over,
    login_name,
    weakness,
)
from reminders.errors import Conflict, Invalid, NotFound, Throttled, Unauthenticated
from reminders.store import staff
from reminders.store.engine import Database, Record
from reminders.store.ids import digest, new_secret, new_uid

#: Who may have an account; programs use keys.
ROLES = (Role.DESK, Role.MANAGER, Role.ADMIN)

_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP = 4, 5  # 20 letters out of 31 are 99 bits


class NameTaken(Conflict):
    """A name belongs to one person for ever, so that history stays true."""

    code = "name_taken"
    sentence = "Somebody has or had this name. Please choose another one."


class WrongPassword(Unauthenticated):
    """Name and password do not belong together. Which of the two is wrong is not told."""

    code = "wrong_password"
    sentence = "This name and this password do not belong together."


class WeakPassword(Invalid):
    """``weakness`` says why: ``short``, ``long``, ``name`` or ``monotonous``."""

    code = "weak_password"
    sentence = "Please choose another password: 12 letters or more, without your name, not the same few letters."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in. ``token`` is the new one when it was replaced just now, else ``None``."""

    user_id: str
    name: str
    role: Role
    language: str | None
    session_id: str
    catalogue_version: int
    token: str | None = None


class Staff:
    """Accounts and sessions. Passwords are kept as Argon2id (RFC 9106), tokens as SHA-256."""

    def __init__(self, database: Database, clock: Clock, hasher: PasswordHasher) -> None:
        self._database = database
        self._clock = clock
        self._hasher = hasher

    @cached_property
    def _nobody(self) -> str:
        """Compared with when there is no such person, so that it takes the same time. Made at the first sign-in, whoever
        it is: most processes never see one."""
        return self._hasher.hash(new_secret())

    # Accounts

    def create(self, name: str, role: Role, language: str | None = None) -> str:
        """A new account; returns its first password, which is not kept. ``Invalid``, or ``NameTaken``."""
        known = login_name(name)
        if known is None:
            raise Invalid("A name has 2 to 64 letters a-z, digits and ._@+-", field="name")
        if role not in ROLES:
            raise Invalid(f"People have one of the roles {', '.join(ROLES)}.", field="role")
        password, now = _new_password(), self._clock.now()
        values = {"uid": new_uid("usr", now), "name": known, "role": role, "language": language, "created_at": now,
                  "password_hash": self._hash(password)}  # fmt: skip
        with self._database.write() as tx:
            if staff.by_name(tx, known) is not None:
                raise NameTaken()
            staff.add(tx, values)
        return password

    def reset(self, name: str) -> str:
        """A new password for somebody who lost theirs; every session of theirs ends. ``NotFound`` for nobody."""
        password = _new_password()
        hashed = self._hash(password)
        with self._database.write() as tx:
            user = _in_force(tx, name)
            staff.change(tx, user.id, {"password_hash": hashed})
            staff.close_sessions(tx, user.id)
        return password

    def end(self, name: str) -> None:
        """Close an account at once, for good. ``NotFound`` for nobody."""
        with self._database.write() as tx:
            user = _in_force(tx, name)
            staff.change(tx, user.id, {"ended_at": self._clock.now()})
            staff.close_sessions(tx, user.id)

    def listing(self) -> Sequence[Record]:
        """Every account, also those that have ended."""
        with self._database.read() as tx:
            return staff.listing(tx)

    # Sessions

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Begin a session; returns its token. ``WrongPassword``, or ``Throttled`` after too many of them.

        Counting and checking are transactions of their own: Argon2 takes a while on purpose. The try is written down
        before it is checked, so that tries at the same moment count, too.
        """
        known, nobody = login_name(name) or "", self._nobody
        user = self._count(known, address)
        if not self._fits(user.password_hash if user else nobody, password) or user is None:
            raise WrongPassword()
        token, now = new_secret(), self._clock.now()
        with self._database.write() as tx:
            staff.forget_tries(tx, _by_name(known), now - TRY_WINDOW)
            staff.forget_sessions(tx, now - SESSION_LIFE, now - IDLE_LIFE)
            if self._hasher.check_needs_rehash(user.password_hash):
                staff.change(tx, user.id, {"password_hash": self._hash(password)})
            self._open(tx, user.id, token)
        return token

    def resume(self, token: str) -> Visitor:
        """Whoever carries this token; ``Unauthenticated`` when the session is over. A token that has been in use for a
        while is replaced: the visitor then carries the new one."""
        hashed, now = digest(token), self._clock.now()
        with self._database.read() as tx:
            row = staff.by_token(tx, hashed, now - FORMER_LIFE)
        if row is None or is_over(row.created_at, row.rotated_at, now):
            raise Unauthenticated()
        fresh = None
        if row.token_hash == hashed and is_due(row.rotated_at, now):
            candidate = new_secret()
            with self._database.write() as tx:
                fresh = candidate if staff.rotate(tx, row.id, hashed, digest(candidate), now) else None
        return Visitor(row.user_uid, row.name, Role(row.role), row.language, row.uid, row.catalogue_version, fresh)

    def sign_out(self, token: str) -> None:
        with self._database.write() as tx:
            staff.close_session(tx, digest(token))

    def change_password(self, visitor: Visitor, old: str, new: str, address: str) -> str:
        """A password of one's own choice. Every session of this person ends but the one that begins with the token
        returned. ``WrongPassword``, ``WeakPassword`` or ``Throttled``."""
        found = weakness(new, visitor.name)
        if found:
            raise WeakPassword(field="new", weakness=found)
        user = self._count(visitor.name, address)
        if user is None or not self._fits(user.password_hash, old):
            raise WrongPassword()
        hashed, token, now = self._hash(new), new_secret(), self._clock.now()
        with self._database.write() as tx:
            staff.forget_tries(tx, _by_name(visitor.name), now - TRY_WINDOW)
            staff.change(tx, user.id, {"password_hash": hashed})
            staff.close_sessions(tx, user.id)
            self._open(tx, user.id, token)
        return token

    def speak(self, visitor: Visitor, language: str) -> None:
        """Remember the language in which this person reads the pages."""
        with self._database.write() as tx:
            staff.change(tx, _in_force(tx, visitor.name).id, {"language": language})

    def _count(self, name: str, address: str) -> Record | None:
        """Write down a try and return the account it is about; ``Throttled`` when there were too many."""
        now = self._clock.now()
        limits = {_by_name(name): MOST_TRIES_PER_NAME, _by_address(address): MOST_TRIES_PER_ADDRESS}
        with self._database.write() as tx:
            if any(staff.tried(tx, subject, now - TRY_WINDOW) >= most for subject, most in limits.items()):
                raise Throttled()
            staff.write_tries(tx, limits, now)
            user = staff.by_name(tx, name)
        return user if user is not None and user.ended_at is None else None

    def _open(self, tx: Connection, user_id: int, token: str) -> None:
        now = self._clock.now()
        staff.open_session(tx, {"uid": new_uid("ses", now), "user_id": user_id, "token_hash": digest(token),
                                "created_at": now, "rotated_at": now})  # fmt: skip

    def _hash(self, password: str) -> str:
        return self._hasher.hash(canonical(password))

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, canonical(password))
        except VerificationError:
            return False


def _in_force(tx: Connection, name: str) -> Record:
    user = staff.by_name(tx, login_name(name) or "")
    if user is None or user.ended_at is not None:
        raise NotFound("Nobody with this name can sign in.")
    return user


def _by_name(name: str) -> str:
    """What tries are counted by, without saying whose they are."""
    return digest(f"name {name}")


def _by_address(address: str) -> str:
    return digest(f"address {address}")


def _new_password() -> str:
    """Such as ``k7m2p-9xwqd-…``: four groups of letters and digits that are hard to misread."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
