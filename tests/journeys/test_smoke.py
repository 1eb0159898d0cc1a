"""The shortest whole story: book, remind, answer, measure the cost."""

from __future__ import annotations

from tests.house import book, clinic, running


def test_book_remind_answer(database_url):
    with running(database_url) as house:
        ids = clinic(house)
        visit = book(house, ids, "2030-05-08T09:00:00+02:00")
        house.tick(hours=25, minutes=1)
        house.settle()
        first, second = house.get(f"appointments/{visit['id']}/reminders")["items"]
        assert (first["state"], first["language"], second["state"]) == ("delivered", "es", "planned")
        assert "Ana Ruiz" in first["text"]
        house.sandbox.reply("+34600000010", "1")
        house.settle()
        assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"
        house.tick(hours=22)
        first, second = house.get(f"appointments/{visit['id']}/reminders")["items"]
        assert first["cost_is_actual"]
        assert (second["state"], second["reason"]) == ("suppressed", "already_confirmed")
