"""Every page of the console: sound for keyboards and screen readers, escaped, readable in light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reminders.web.console import guard
from tests.browser.pages import Browser, faults, sign_in
from tests.house import House, book, clinic, running

_NINE = "2030-05-08T09:00:00+02:00"


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        yield house


@pytest.fixture
def ids(house: House) -> dict[str, Any]:
    return clinic(house)


@pytest.fixture
def desk(house: House, ids: dict[str, Any]) -> Iterator[Browser]:
    """A browser of somebody who has signed in."""
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        yield browser


class TestEveryPage:
    _EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"

    def test_pages_are_sound_and_escape_what_people_write(self, house, ids, desk):
        patient = house.post("patients", {"name": self._EVIL, "phone": "+44 7700 900123", "language": "en"})
        visit = book(house, ids, "2030-05-06T12:00:00+02:00", patient_id=patient["id"])
        house.settle()
        house.tick(hours=2)
        house.settle()
        house.sandbox.reply("+447700900123", self._EVIL)
        house.settle()
        option = f"{_NINE} {ids['provider']}"
        for path in (
            "/console/", f"/console/visits/{visit['id']}", f"/console/visits/{visit['id']}/move", "/console/book",
            f"/console/book?service={ids['service']}&patient={patient['id']}", "/console/inbox", "/console/patients", "/console/changes", "/console/calls", "/console/unmarked",
            f"/console/patients/{patient['id']}", "/console/patients/new", "/console/patients?q=" + self._EVIL,
        ):  # fmt: skip
            page = desk.open(path)
            assert (page.status, faults(page)) == (200, []), path
            assert "<script" not in page.answer.text
            assert page.answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert page.answer.headers["Cache-Control"] == "no-store"
        page = desk.open("/console/book/patient", service=ids["service"], option=option, q="script")
        assert (faults(page), self._EVIL in page.text) == ([], True)
        assert faults(desk.open("/console/nothing")) == []

    def test_a_clinic_without_locations_says_so(self, sqlite_database_url):
        with running(sqlite_database_url) as house, closing(Browser(house.url)) as browser:
            assert sign_in(browser, house.key("desk")).root.one("h1").text == "No location yet"
            for path in ("/console/book", "/console/inbox", "/console/patients", "/console/calls"):
                assert faults(browser.open(path)) == []
            assert faults(browser.open("/console/sign-in")) == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize(
        ("ink", "ground"),
        [
            ("ink", "paper"), ("ink", "ground"), ("soft", "paper"), ("soft", "ground"), ("link", "paper"),
            ("link", "ground"), ("on-accent", "accent"), ("on-accent", "accent-strong"), ("bad", "paper"),
            ("soft", "past-wash"), ("ink", "past-wash"), ("soft", "wash"),
            *((tone, f"{tone}-wash") for tone in ("good", "open", "here", "past", "bad", "off")),
        ],
    )  # fmt: skip
    def test_contrast(self, scheme, ink, ground):
        """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
        colours = _colours(scheme)
        light, dark = sorted((_luminance(colours[ink]), _luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def _colours(scheme: str) -> dict[str, str]:
    css = (Path(guard.__file__).parents[1] / "static" / "console.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[0]))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[1])) if scheme == "dark" else {})


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
