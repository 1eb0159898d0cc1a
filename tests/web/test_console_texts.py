"""The console's pages of texts: preview, save, try, go back, as a browser without scripts sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.browser.pages import Browser, faults, sign_in
from tests.house import House, clinic, running

PAGE = "/console/texts/sms/es/reminder"
BODY = "{{ clinic }}: {{ patient }} viene el {{ when }}. Sí = 1. Por favor, avise si no viene. STOP"


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        house.ids = clinic(house)
        yield house


@pytest.fixture
def admin(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("admin"))
        yield browser


def test_texts_are_listed_in_the_clinics_language(house: House, admin: Browser) -> None:
    page = admin.open("/console/texts")
    assert faults(page) == []
    assert "cita de {{ patient }}" in page.text
    page = admin.follow("Reminder")
    assert (page.status, faults(page)) == (200, [])
    assert "Price of one" in page.text
    assert faults(admin.open("/console/texts/voice/en/reminder")) == []
    assert admin.open("/console/texts/sms/es/nonsense").status == 404


def test_preview_save_and_back(house: House, admin: Browser) -> None:
    admin.open(PAGE)
    page = admin.submit("Preview", body=BODY)
    assert "nothing was saved yet" in page.text
    assert "Maria Lopez viene el" in page.text
    assert "UCS-2" in page.text
    assert "Si = 1. Por favor" in page.text
    assert house.get("texts/sms/es/reminder")["version"] == 0
    page = admin.submit("Save", body=BODY)
    assert "Messages use this text from now on." in page.text
    assert house.get("texts/sms/es/reminder")["body"] == BODY
    assert "Your own, version 1" in admin.open("/console/texts").text
    admin.open(PAGE)
    page = admin.submit("Back to the standard text")
    assert "The standard text is in force again." in page.text
    assert faults(page) == []


def test_a_refused_text_stays_in_the_form(house: House, admin: Browser) -> None:
    admin.open(PAGE)
    page = admin.submit("Save", body="{{ diagnosis }} {{ when }}")
    assert page.status == 422
    assert "may not be told here" in page.text
    assert "{{ diagnosis }}" in page.root.one("textarea").text
    assert faults(page) == []


def test_a_test_on_a_phone_of_the_staff(house: House, admin: Browser) -> None:
    admin.open(PAGE)
    assert "on its way" in admin.submit("Send a test there", body=BODY, phone="600 000 099").text
    house.settle(4)
    assert "Maria Lopez viene el" in house.texts("+34600000099")[0]
    admin.open(PAGE)
    assert "This is not a phone number." in admin.submit("Send a test there", body=BODY, phone="hello").text


def test_two_who_edit_at_once(house: House, admin: Browser) -> None:
    admin.open(PAGE)
    house.api("PUT", "texts/sms/es/reminder", {"body": BODY}, role="admin")
    page = admin.submit("Save", body=BODY + " 2")
    assert page.status == 412
    assert house.get("texts/sms/es/reminder")["body"] == BODY


def test_the_desk_reads_but_does_not_change(house: House) -> None:
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        page = browser.open(PAGE)
        assert "Only a key of the role admin changes texts." in page.text
        assert faults(page) == []
        token = page.root.all("input", name="csrf")[0].attrs["value"]
        answer = browser.send(PAGE, "post", {"csrf": token, "act": "save", "body": BODY})
        assert answer.status == 403
        assert house.get("texts/sms/es/reminder")["version"] == 0
