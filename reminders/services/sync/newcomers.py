"""Many patients taken in with one transaction: what each would ask of the database, asked once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from sqlalchemy import Connection

from reminders.domain.connector import Remote
from reminders.domain.replica import Local
from reminders.store import consents, patients


class Newcomers:
    """Which of their phones and e-mail addresses are known here: on a card (``held``) or stopped. Those who are taken in
    add theirs, so that the next one is compared with them, too."""

    def __init__(self, held: set[str], stopped: set[str]) -> None:
        self._held, self._stopped = held, stopped
        self._fresh: dict[str, Local] = {}

    @classmethod
    def of(cls, tx: Connection, remotes: Sequence[Remote]) -> Self:
        phones = {str(remote.fields["phone"]) for remote in remotes if remote.fields.get("phone")}
        emails = {str(remote.fields["email"]) for remote in remotes if remote.fields.get("email")}
        emails |= {email.lower() for email in emails}
        stops = consents.in_force(tx, phones | emails)
        return cls(patients.held(tx, phones, emails), {address for address, _ in stops})

    def is_nobody(self, phone: str | None, email: str | None) -> bool:
        """Nobody here has this phone or e-mail address."""
        return self._held.isdisjoint(_all(phone, email))

    def add(self, uid: str, phone: str | None, email: str | None, shown: Local) -> None:
        """Somebody was taken in, and is ``shown`` so unless something was said under an address."""
        self._held.update(_all(phone, email))
        if self._stopped.isdisjoint(consents.addresses(phone, email)):
            self._fresh[uid] = shown

    def stop(self, phone: str | None, email: str | None) -> None:
        """Something is stopped under these from now on."""
        self._stopped.update(consents.addresses(phone, email))

    def take(self, uid: str) -> Local | None:
        """What somebody just taken in is shown as, told once."""
        return self._fresh.pop(uid, None)


def _all(phone: str | None, email: str | None) -> list[str]:
    return [one for one in (phone, email, email.lower() if email else None) if one]
