"""The clinic writes its own reminder: seen on a phone of the staff first, then on the patient's, billed as it was shown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tests.house import House, book
from tests.seeded import Seed

STAFF, ANA = "+34600000099", "+34600000010"
ONE = "texts/sms/es/reminder"
BODY = "{{ clinic }}: {{ patient }}, le esperamos el {{ when }}. Responda 1 si viene, 2 si no. STOP"


def test_from_draft_to_bill(seeded_sqlite: Seed) -> None:
    with seeded_sqlite.running() as house:
        visit = book(house, house.ids, "2030-05-08T09:00:00+02:00")
        _tried_on_a_phone_of_the_staff(house)
        saved = house.api("PUT", ONE, {"body": BODY}, role="admin").json()
        house.tick_at(datetime(2030, 5, 7, 7, tzinfo=UTC))
        house.settle(5)
        house.tick(seconds=70)
        house.tick(seconds=2)

        entry = house.reminders(visit)[0]
        assert (entry["text_version"], entry["state"]) == (1, "delivered")
        assert "Ana Ruiz, le esperamos el" in house.texts(ANA)[0]
        assert entry["segments"] == saved["check"]["estimate"]["segments"]
        (message,) = [one for one in house.sandbox.conversation(ANA) if one.direction == "outbound-api"]
        assert (entry["segments"], entry["cost_is_actual"]) == (message.segments, True)
        assert Decimal(entry["cost"]["amount"]) == message.price
        house.reply(ANA, "1")
        assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"


def _tried_on_a_phone_of_the_staff(house: House) -> None:
    house.api("POST", f"{ONE}/test", {"phone": STAFF, "body": BODY}, role="admin")
    house.settle(4)
    (text,) = house.texts(STAFF)
    assert "Maria Lopez, le esperamos el" in text
    assert house.get(ONE)["version"] == 0


def test_a_call_in_the_clinics_words(seeded_sqlite: Seed) -> None:
    with seeded_sqlite.running() as house:
        steps = [{"offset": "-P1D", "channels": ["voice"]}]
        house.patch(f"reminder-policies/{house.ids['policy']}", {"steps": steps}, role="admin")
        body = {"body": "Nos vemos el {{ when }}, con la tarjeta sanitaria."}
        assert house.api("PUT", "texts/voice/es/reminder", body, role="admin").status == 200
        visit = book(house, house.ids, "2030-05-08T09:00:00+02:00")
        house.tick_at(datetime(2030, 5, 7, 7, tzinfo=UTC))
        house.settle(3)
        (call,) = house.calls(ANA)
        house.sandbox.press(call.sid, "1")
        house.settle(8)
        said = [line.text for line in house.sandbox.call(call.sid).transcript if line.kind == "say"]
        assert any("Nos vemos el miércoles, 8 de mayo" in line and "tarjeta" in line for line in said)
        assert house.reminders(visit)[0]["text_version"] == 1
