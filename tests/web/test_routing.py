"""Addresses are made as Werkzeug makes them, though each is compiled only when it is first made."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BuildError, Map, MapAdapter, Rule

from reminders.web.routing import Route, Uid
from tests.factories import together

RULES: list[tuple[str, dict[str, Any]]] = [
    ("/", {}),
    ("/days/<day>", {"defaults": {"page": 1}}),
    ("/visits/<uid:uid>", {}),
    ("/visits/<uid:uid>/<int:number>/<path:rest>", {}),
]
VALUES: list[dict[str, Any]] = [
    {}, {"q": "é &"}, {"day": "2030-05-06"}, {"day": "a/b", "page": 1, "route": "x", "self": "y"}, {"uid": "apt_1"},
    {"uid": "apt_1", "number": 3, "rest": "a/ü b", "more": ["1", "2"]},
]  # fmt: skip


def addresses(kind: type[Rule]) -> MapAdapter:
    rules = [kind(rule, endpoint=str(place), **more) for place, (rule, more) in enumerate(RULES)]
    return Map(rules, converters={"uid": Uid}).bind("clinic.example.org")


def made(adapter: MapAdapter, endpoint: str, values: dict[str, Any], *, unknown: bool) -> str | None:
    try:
        return adapter.build(endpoint, values, append_unknown=unknown)
    except BuildError:
        return None


@pytest.mark.parametrize("values", VALUES, ids=str)
@pytest.mark.parametrize("endpoint", [str(place) for place in range(len(RULES))])
@pytest.mark.parametrize("unknown", [True, False])
def test_an_address_is_the_same(endpoint: str, values: dict[str, Any], unknown: bool) -> None:
    wanted = made(addresses(Rule), endpoint, values, unknown=unknown)
    ours = addresses(Route)
    assert [made(ours, endpoint, values, unknown=unknown) for _ in range(2)] == [wanted, wanted]


def test_many_may_ask_for_it_first() -> None:
    ours = addresses(Route)
    seen = together([lambda: made(ours, "3", VALUES[-1], unknown=True)] * 8)
    assert set(seen) == {"/visits/apt_1/3/a/%C3%BC%20b?more=1&more=2"}
