"""Names, passwords and the life of a session."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.staff import IDLE_LIFE, ROTATE_AFTER, SESSION_LIFE, is_due, is_over, login_name, weakness
from tests.factories import MONDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ana.Lopez", "ana.lopez"), (" ana ", "ana"), ("ａｎａ", "ana"), ("ana@clinic.example", "ana@clinic.example"),
        ("a", None), ("", None), ("ana lopez", None), ("x" * 65, None), ("-ana", None), ("ana\x00", None), ("ána", None),
    ],
)  # fmt: skip
def test_names_are_written_in_one_way(text, name):
    assert login_name(text) == name


@given(st.text())
def test_a_name_that_is_accepted_stays_as_it_is(text):
    name = login_name(text)
    assert name is None or login_name(name) == name


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("green kettle on fire", None), ("x7!kQ2@mZ9#p", None), ("密码密码很长的一句话呀呀呀", None), ("elevenchars", "short"),
        ("my name is ANA.LOPEZ", "name"), ("aaaaaaaaaaaabbbb", "monotonous"), ("ab" * 101, "long"), ("", "short"),
    ],
)  # fmt: skip
def test_what_a_password_must_be(password, found):
    assert weakness(password, "ana.lopez") == found


@pytest.mark.parametrize(
    ("age", "idle", "over"),
    [
        (SECOND, SECOND, False), (SESSION_LIFE - SECOND, SECOND, False), (SESSION_LIFE, SECOND, True),
        (IDLE_LIFE, IDLE_LIFE - SECOND, False), (IDLE_LIFE, IDLE_LIFE, True),
    ],
)  # fmt: skip
def test_a_session_ends_after_its_time_and_when_nobody_uses_it(age, idle, over):
    assert is_over(MONDAY - age, MONDAY - idle, MONDAY) is over


def test_a_token_is_replaced_after_a_while():
    assert [is_due(MONDAY - age, MONDAY) for age in (ROTATE_AFTER - SECOND, ROTATE_AFTER)] == [False, True]
