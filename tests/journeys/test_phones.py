"""The sandbox's phones as a browser uses them, inside the whole service and its security headers."""

from __future__ import annotations

from tests.house import book, clinic, running

PHONE = "34600000010"


def test_a_patient_answers_on_the_phones_page(sqlite_database_url):
    with running(sqlite_database_url) as house:
        ids = clinic(house)
        visit = book(house, ids, "2030-05-08T09:00:00+02:00")
        house.tick(hours=25, minutes=1)
        house.settle()
        page = house.session.get(f"{house.url}/sandbox/phones/{PHONE}", timeout=10)
        assert "Ana Ruiz" in page.text
        assert (
            "script-src" in page.headers["Content-Security-Policy"]
            or "default-src 'self'" in page.headers["Content-Security-Policy"]
        )
        assert page.headers["Referrer-Policy"] == "same-origin"
        browser = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        answer = house.session.post(
            f"{house.url}/sandbox/phones/{PHONE}/reply", data={"body": "1"}, headers=browser, timeout=10
        )
        assert answer.status_code == 200, answer.text
        house.settle()
        assert house.get(f"appointments/{visit['id']}")["confirmation"] == "confirmed"


def test_another_site_cannot_answer_for_the_patient(sqlite_database_url):
    with running(sqlite_database_url) as house:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
            answer = house.session.post(
                f"{house.url}/sandbox/phones/{PHONE}/reply", data={"body": "1"}, headers=headers, timeout=10
            )
            assert answer.status_code == 403
