"""The clinic's own texts at the use case: versions, staleness, refusals, prices from what was really sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from reminders.domain.actor import Actor
from reminders.domain.wording import Key
from reminders.errors import Invalid, NotFound, Stale
from reminders.services.trying import Trying
from reminders.services.wording import TRY_OUT, TextRefused, Wording
from reminders.store.engine import Database
from reminders.store.tables import Message
from reminders.wiring.speech import lexicons
from tests.factories import MONDAY, World, step, texts

ADMIN = Actor("key_1", "api")
REMINDER = Key("sms", "reminder", "es")
ENGLISH = REMINDER._replace(language="en")
BODY = "{{ clinic }}: {{ patient }} viene el {{ when }}. 1 confirma. STOP"
START = MONDAY + timedelta(days=2, hours=1)


def wording(world: World) -> Wording:
    return Wording(world.database, world.clock, world.catalogue, texts(), lexicons())


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def own(world: World) -> Wording:
    world.open()
    return wording(world)


def sent(world: World) -> Any:
    return world.rows(select(Message.__table__).order_by(Message.id))[-1]


def test_versions_are_kept_and_the_standard_text_is_one_of_them(own: Wording) -> None:
    assert (own.get(REMINDER).version, own.get(REMINDER).stale) == (0, False)
    assert own.save(REMINDER, BODY, ADMIN)[0].version == 1
    assert own.save(REMINDER, BODY + "!", ADMIN)[0].body == BODY + "!"
    assert own.restore(REMINDER, ADMIN).version == 0
    assert own.restore(REMINDER, ADMIN).version == 0
    assert own.save(REMINDER, BODY, ADMIN)[0].version == 4
    assert [(row.version, row.body) for row in own.versions(REMINDER)] == [
        (4, BODY), (3, None), (2, BODY + "!"), (1, BODY),
    ]  # fmt: skip
    assert {row.created_by for row in own.versions(REMINDER)} == {"key_1"}


def test_two_editors_do_not_overwrite_each_other(own: Wording) -> None:
    own.save(REMINDER, BODY, ADMIN, version=0)
    with pytest.raises(Stale):
        own.save(REMINDER, BODY, ADMIN, version=0)
    with pytest.raises(Stale):
        own.restore(REMINDER, ADMIN, version=7)
    assert own.restore(REMINDER, ADMIN, version=1).version == 0
    assert own.save(REMINDER, BODY, ADMIN, version=0)[0].version == 3


def test_a_text_is_used_when_it_is_sent_and_the_ledger_knows_the_version(world: World) -> None:
    ids = world.open(steps=[step("-P1D"), step("-PT2H")])
    visit, own = world.book(ids, START), wording(world)
    world.tick(START - timedelta(days=1))
    own.save(REMINDER, BODY, ADMIN)
    world.tick(START - timedelta(hours=2))
    first, second = world.ledger.of(visit)
    assert (first.text_version, second.text_version) == (None, 1)
    assert second.text is not None
    assert "viene el" in second.text
    assert (sent(world).template, sent(world).text_version) == ("reminder", 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [("{{ when }} {{ doctor }}", "unknown_fact"), ("hola", "missing_fact"), ("{{ when", "syntax"), (" ", "empty")],
)
def test_a_text_that_cannot_be_used_is_refused_with_the_reason(own: Wording, body: str, code: str) -> None:
    with pytest.raises(TextRefused) as refused:
        own.save(REMINDER, body, ADMIN)
    assert [reason["code"] for reason in refused.value.facts["reasons"]] == [code]
    assert [found for found, _ in own.check(REMINDER, body).reasons] == [code]
    assert own.versions(REMINDER) == []


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ("{{ when }}", True), ("{{ when }} Baja: STOP.", False), ("{{ when }} Responda BAJA", False),
        ("{{ when }} non-stopping", True), ("{{ when }} Nonstop", True),
    ],
)  # fmt: skip
def test_opt_out_words_where_the_country_wants_them(world: World, body: str, refused: bool) -> None:
    world.open(location={"country": "US", "language": "es"})
    found = wording(world).check(REMINDER, body)
    assert [code for code, _ in found.reasons] == (["no_opt_out"] if refused else [])
    assert not wording(world).check(REMINDER._replace(template="answer_confirmed"), "{{ when }}").reasons


def test_a_translation_is_stale_when_its_source_has_changed(world: World) -> None:
    world.open(location={"language": "es"})
    own = wording(world)
    own.save(ENGLISH, "{{ clinic }}: {{ when }}. 1 to confirm.", ADMIN)
    assert not own.get(ENGLISH).stale
    own.save(REMINDER, BODY, ADMIN)
    assert own.get(ENGLISH).stale
    assert not own.get(REMINDER).stale
    assert [one.key for one in own.listing() if one.stale] == [ENGLISH]
    assert "stale" in [code for code, _ in own.check(ENGLISH, own.get(ENGLISH).body).warnings]
    own.save(ENGLISH, "{{ clinic }}: {{ when }}. 1 to confirm.", ADMIN)
    assert not own.get(ENGLISH).stale


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{{ when }}", "no_answer"), ("{{ when }}: 1, CANCEL", "offers_cancel"), ("{{ when }}: 1", None),
        ("{{ when }}: 1 to cancel", None),
    ],
)  # fmt: skip
def test_what_to_think_of(own: Wording, body: str, code: str | None) -> None:
    assert [found for found, _ in own.check(ENGLISH, body).warnings] == ([code] if code else [])


def test_a_clinic_whose_name_doubles_the_price_is_told(world: World) -> None:
    world.open(location={"name": "Clínica Łódź"})
    (warning,) = wording(world).check(ENGLISH, "{{ clinic }}: {{ when }}: 1").warnings
    assert warning[0] == "costly_facts"
    assert "í" in warning[1]


def test_prices_come_from_what_was_sent_last_month(world: World) -> None:
    for number in range(3):
        world.book(world.open(steps=[step("-P1D")], patient={"name": f"Ana {number}"}), START)
    world.tick(START - timedelta(days=1))
    own = wording(world)
    found = own.check(REMINDER, BODY).estimate
    assert found is not None
    assert (found.messages_per_month, found.segments) == (3, 1)
    assert found.per_month is not None
    assert found.per_month.amount == round(3 * found.per_message.amount, 2)
    elsewhere = own.check(ENGLISH, BODY).estimate
    assert elsewhere is not None
    assert elsewhere.messages_per_month == 0
    world.clock.advance(timedelta(days=31))
    later = own.check(REMINDER, BODY).estimate
    assert later is not None
    assert later.messages_per_month == 0


def test_the_estimate_is_what_is_billed(world: World) -> None:
    """The messenger counts segments as Twilio does; the text is measured with the names it went to."""
    visit = world.book(world.open(steps=[step("-P1D")], patient={"name": "Łukasz Ñandú " + "x" * 60}), START)
    own = wording(world)
    own.save(REMINDER, BODY, ADMIN)
    world.tick(START - timedelta(days=1))
    found = own.check(REMINDER, BODY).estimate
    assert found is not None
    (entry,) = world.ledger.of(visit)
    assert found.most_segments == entry.segments == world.messenger.sent[-1].report.segments == 3


def test_a_cheaper_spelling(own: Wording) -> None:
    found = own.check(REMINDER, "{{ clinic }}: {{ patient }}, {{ when }}. Sí = 1. ¿Dudas? Llámenos. STOP").suggestion
    assert found is not None
    assert found.replaced == {"í": "i", "á": "a"}
    assert "Si = 1. ¿Dudas? Llamenos." in found.body


def test_a_test_goes_to_a_phone_of_the_staff(world: World) -> None:
    world.open()
    own, trying = wording(world), Trying(world.database, world.messenger)
    own.try_out(REMINDER, "600 000 099", BODY)
    for _ in range(2):  # the outbox may hand a row out twice
        with world.database.write() as tx:
            rows = tx.exec_driver_sql("SELECT key, attempts FROM outbox WHERE topic = 'text.try'").all()
        for row in rows:
            trying.send(row)
    (message,) = world.messenger.sent
    assert message.to == "+34600000099"
    assert "Maria Lopez viene el" in message.body
    assert (sent(world).kind, sent(world).state, sent(world).patient_id) == ("test", "sent", None)
    assert TRY_OUT == "text.try"


def test_only_a_text_message_can_be_tried(own: Wording) -> None:
    with pytest.raises(Invalid):
        own.try_out(Key("email", "reminder", "es"), "600 000 099")
    with pytest.raises(Invalid):
        own.try_out(REMINDER, "not a phone")


def test_what_there_is_not(own: Wording) -> None:
    for key in (Key("sms", "secret", "es"), Key("sms", "reminder", "xx"), Key("pigeon", "reminder", "es")):
        with pytest.raises(NotFound):
            own.get(key)
        with pytest.raises(NotFound):
            own.save(key, BODY, ADMIN)
