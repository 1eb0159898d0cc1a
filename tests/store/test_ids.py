"""Public ids: opaque, short, unique, and growing with time."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reminders.store.ids import digest, new_secret, new_uid

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)


def test_ids_name_their_kind_and_nothing_else():
    found = new_uid("apt", NOW)
    prefix, _, rest = found.partition("_")
    assert prefix == "apt"
    assert len(found) <= 40
    assert set(rest) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_of_one_moment_differ():
    assert len({new_uid("apt", NOW) for _ in range(20_000)}) == 20_000


@given(st.integers(1, 10**12))
def test_later_ids_sort_after_earlier_ones(milliseconds):
    assert new_uid("apt", NOW) < new_uid("apt", NOW + timedelta(milliseconds=milliseconds))


def test_secrets_are_long_and_safe_in_an_address():
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(len(secret) >= 43 and secret.replace("-", "").replace("_", "").isalnum() for secret in secrets)
    assert digest("secret") == hashlib.sha256(b"secret").hexdigest()
