"""The console's pages of webhooks, as a browser without scripts sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.browser.pages import Browser, defaults, faults, sign_in
from tests.house import House, clinic, running
from tests.receiver import Receiver, receiver


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url, private_networks="127.0.0.0/8") as house:
        house.ids = clinic(house)
        house.tick(seconds=1)
        yield house


@pytest.fixture
def admin(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("admin"))
        yield browser


def told(admin: Browser, there: Receiver, *events: str) -> str:
    """A webhook that is told of these events, else of all; the address of its page."""
    admin.open("/console/webhooks")
    chosen = {f"event-{one}": "1" for one in events}
    page = admin.submit("Tell it", **{"url": there.url, "label": "Ledger"} | chosen)
    assert faults(page) == []
    assert any(one.text.startswith("whsec_") for one in page.root.all("code"))
    page = admin.follow("Done")
    assert faults(page) == []
    assert "never" in page.text
    return page.root.one("form", class_="acts").attrs["action"]


def test_told_tested_and_listed(house: House, admin: Browser, there: Receiver) -> None:
    assert faults(admin.open("/console/calendars")) == []
    page = admin.follow("Webhooks")
    assert (faults(page), "Nobody yet." in page.text) == ([], True)
    where = told(admin, there, "patient.changed")
    page = admin.submit("Test")
    assert page.notices[0].startswith("It answered 2")
    house.patch(f"patients/{house.ids['patient']}", {"name": "Ana Ruiz Gil"})
    house.tick(seconds=1)
    page = admin.open(where)
    assert [one.text.split(",")[0] for one in page.root.one("ul", class_="people").all("a")] == [
        "patient.changed", "webhook.test",
    ]  # fmt: skip
    assert "Ledger" in admin.open("/console/webhooks").text
    (row,) = house.get("webhooks", role="admin")["items"]
    assert row["events"] == ["patient.changed"]


def test_what_failed_is_looked_at_and_sent_again(house: House, admin: Browser, there: Receiver) -> None:
    where = told(admin, there)
    there.answers = [(500, {})]
    page = admin.submit("Test")
    assert (page.status, len(page.root.all(role="alert"))) == (422, 1)
    assert "It answered 500" in page.text
    assert admin.open(f"{where}?state=delivered").text.count("webhook.test") == 0
    admin.open(f"{where}?state=pending")
    page = admin.follow("webhook.test")
    assert (faults(page), "500" in page.text) == ([], True)
    admin.submit("Try now")
    house.tick(seconds=1)
    page = admin.open(where)
    assert ("tried once" in page.text, page.root.all("dd")[0].text) == (True, "everything")
    page = admin.follow("webhook.test")
    assert "Delivered" in page.text
    before = len(there.got)
    page = admin.submit("Send again")
    assert page.notices == ["It is sent again within seconds, under the same id."]
    house.tick(seconds=1)
    assert len(there.got) == before + 1
    assert there.got[-1].headers["webhook-id"] == there.got[-2].headers["webhook-id"]


def test_paused_another_secret_and_removed(house: House, admin: Browser, there: Receiver) -> None:
    told(admin, there)
    page = admin.submit("Pause")
    assert page.notices == ["Paused. What happens meanwhile is kept."]
    admin.submit("Go on")
    page = admin.submit("New secret")
    assert (faults(page), "the one before signs, too" in page.text) == ([], True)
    page = admin.follow("Done")
    assert "The secret before" in page.text
    page = admin.submit("Remove")
    assert page.notices == ["Removed, with its log."]
    assert house.get("webhooks", role="admin")["items"] == []


@pytest.mark.parametrize("url", ["", "not an address", "http://10.0.0.1/x"])
def test_an_address_that_cannot_be(house: House, admin: Browser, url: str) -> None:
    admin.open("/console/webhooks")
    page = admin.submit("Tell it", url=url)
    assert (page.status, len(page.root.all(role="alert"))) == (422, 1)
    assert faults(page) == []
    assert house.get("webhooks", role="admin")["items"] == []


def test_only_administrators(house: House, admin: Browser, there: Receiver) -> None:
    where = told(admin, there)
    form = admin.open(where).root.one("form", class_="acts")
    assert admin.send(where, "post", defaults(form) | {"act": "sell"}).status == 422
    with closing(Browser(house.url)) as desk:
        sign_in(desk, house.key("desk"))
        assert "Webhooks" not in desk.open("/console/calendars").text
        assert desk.open("/console/webhooks").status == 403
        assert desk.open(where).status == 403
