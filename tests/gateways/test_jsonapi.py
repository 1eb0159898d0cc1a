"""What connectors to CRMs share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.connector import Refused
from reminders.domain.crm import Account, Setting, System, join_name
from reminders.gateways.jsonapi import canonical, digest, e164, entered, flat, kept, listed, moment, opened, parted

WORDS = st.lists(st.text(st.characters(categories=["L"]), min_size=1), min_size=1).map(" ".join)


@given(WORDS, WORDS)
def test_a_name_in_parts_is_the_same_whole(name: str, family: str) -> None:
    assert join_name(*parted(name, family)) == name
    assert parted(f"{name} {family}", family) == (name, family)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("612 34 56 78", "ES", "+34612345678"), ("+34 612-34-56-78", "", "+34612345678"), ("(202) 555-0142", "US", "+12025550142"),
        (" home ", "ES", "home"), ("12", "ES", "12"), ("612345678", "", "612345678"), ("", "ES", ""), (None, "ES", ""),
    ],
)  # fmt: skip
def test_numbers_are_read_where_they_can_be(text: str | None, region: str, number: str) -> None:
    assert e164(text, region) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2030-05-06 06:00:00", "2030-05-06T06:00:00+00:00"), ("2030-05-06T08:00:00.500+02:00", "2030-05-06T06:00:00+00:00"),
        ("2030-05-06T06:00:00.000Z", "2030-05-06T06:00:00+00:00"), ("2030-05-06T06:00:00.000+0000", "2030-05-06T06:00:00+00:00"),
        ("tomorrow", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_moments_are_utc_to_the_second(text: str | None, said: str | None) -> None:
    assert canonical(text) == said


def test_a_moment_without_an_offset_is_utc() -> None:
    assert moment("2030-05-06 06:00:00") == moment("2030-05-06T08:00:00+02:00")


def test_nested_parameters_are_written_out() -> None:
    query = {"where": [{"type": "in", "value": ["a", "b"]}], "maxSize": 5}
    assert flat(query) == [
        ("where[0][type]", "in"), ("where[0][value][0]", "a"), ("where[0][value][1]", "b"), ("maxSize", "5")
    ]  # fmt: skip


def test_settings_that_were_left_out_have_their_defaults() -> None:
    system = System("x", "X", (Setting("url", ""), Setting("page", "", default="5"), Setting("key", "", secret=True)))
    assert entered(system, Account({"url": "u"}, {"key": "k"})) == {"url": "u", "page": "5", "key": "k"}
    assert entered(system, Account({"url": "u", "page": "7"}, {}))["page"] == "7"


def test_records_are_kept_as_they_came() -> None:
    record = {"name": "Núñez 李", "more": {"a": None}}
    assert opened(kept(record)) == record
    assert (opened(None), opened("[]")) == ({}, {})
    assert digest(record) == digest(dict(reversed(record.items())))
    assert digest(record) != digest({**record, "name": "x"})


def test_a_webhook_that_is_no_json_is_refused() -> None:
    assert listed(b'[{"id": 1}]') == [{"id": 1}]
    assert listed(b'{"id": 1}') == [{"id": 1}]
    with pytest.raises(Refused):
        listed(b"<xml>")
