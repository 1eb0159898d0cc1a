"""The addresses below /dav/ and the properties of what is there (RFC 4918, 5397, 4791, 6578)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from werkzeug.http import http_date

from reminders.domain.clinic import Provider
from reminders.services.davlogins import Login
from reminders.store.engine import Record
from reminders.web.dav.xml import CALDAV, Name, element, escape, href, name, response

ROOT = "/dav/"
LARGEST = 1024 * 1024
TYPE = "text/calendar; charset=utf-8"
_TOKEN = "urn:reminders:sync:"  # noqa: S105 - a prefix, no secret


class Kind(StrEnum):
    """What an address names; also the key under which a place's kept properties are stored ("" is the calendar)."""

    ROOT = "root"
    PRINCIPAL = "principal"
    HOME = "home"
    CALENDAR = ""
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Place:
    """One resource: a calendar's event with ``href``, or one of the collections that lead to it."""

    kind: Kind
    href: str = ""

    @property
    def key(self) -> str:
        """Under which its kept properties are stored."""
        return f"{self.kind}:{self.href}" if self.kind is Kind.OBJECT else self.kind.value


def principal(uid: str) -> str:
    return f"{ROOT}principals/{uid}/"


def home(uid: str) -> str:
    return f"{ROOT}calendars/{uid}/"


def calendar(uid: str) -> str:
    return f"{home(uid)}appointments/"


def resource(uid: str, name_of: str) -> str:
    return calendar(uid) + quote(name_of, safe="@:!$&'()*+,;=~")


def token(provider: int, seq: int) -> str:
    """The state of a calendar, for RFC 6578."""
    return f"{_TOKEN}{provider}-{seq}"


def count_of(text: str, provider: int, state: Mapping[str, Any]) -> int | None:
    """The count in a token of ours; ``None`` for one of another calendar, too old or not from us."""
    head, _, digits = text.strip().rpartition("-")
    if head != f"{_TOKEN}{provider}" or not digits.isdecimal() or len(digits) > 18:
        return None
    seq = int(digits)
    return seq if state["floor"] <= seq <= state["seq"] else None


_PRIVILEGES = {
    False: ("D:read", "D:read-current-user-privilege-set", "C:read-free-busy"),
    True: ("D:read", "D:read-current-user-privilege-set", "C:read-free-busy", "D:write", "D:write-content",
           "D:write-properties", "D:bind", "D:unbind"),
}  # fmt: skip
_REPORTS = ("D:sync-collection", "C:calendar-multiget", "C:calendar-query", "C:free-busy-query", "D:expand-property")


def _each(names: Iterable[str], around: str, inside: str = "") -> str:
    parts = (element(name(one)) for one in names)
    wrapped = (element(name(inside), part) for part in parts) if inside else parts
    return "".join(element(name(around), part) for part in wrapped)


@dataclass(frozen=True, slots=True)
class View:
    """Who looks: the device, its provider, the calendar's state."""

    login: Login
    provider: Provider
    state: Mapping[str, Any]

    def common(self, kind: Kind) -> dict[Name, str]:
        """Properties that every collection has."""
        mine = self.login.provider_uid
        types = {Kind.PRINCIPAL: "<D:principal/>", Kind.CALENDAR: "<C:calendar/>"}.get(kind, "")
        return {
            name("D:resourcetype"): f"<D:collection/>{types}",
            name("D:current-user-principal"): href(principal(mine)),
            name("D:principal-URL"): href(principal(mine)),
            name("D:principal-collection-set"): href(f"{ROOT}principals/"),
            name("D:owner"): href(principal(mine)),
            name("D:displayname"): escape(self.provider.name),
            name("D:current-user-privilege-set"): _each(_PRIVILEGES[self.login.can_write], "D:privilege"),
            name("D:supported-report-set"): _each(_REPORTS, "D:supported-report", "D:report"),
            name("C:calendar-home-set"): href(home(mine)),
            name("C:calendar-user-address-set"): href(principal(mine)),
        }

    def props(self, kind: Kind) -> dict[Name, str]:
        """Everything we know of a collection."""
        if kind is not Kind.CALENDAR:
            return self.common(kind)
        seq = token(self.login.provider, self.state["seq"])
        return self.common(kind) | {
            name("D:sync-token"): seq,
            name("CS:getctag"): seq,
            name("D:getetag"): f'"{self.state["seq"]}"',
            name(
                "C:supported-calendar-component-set"
            ): '<C:comp name="VEVENT"/><C:comp name="VTODO"/><C:comp name="VJOURNAL"/>',
            name("C:supported-calendar-data"): '<C:calendar-data content-type="text/calendar" version="2.0"/>',
            name("C:max-resource-size"): str(LARGEST),
            name("C:supported-collation-set"): _COLLATIONS,
            name("D:getcontenttype"): "text/calendar; charset=utf-8",
        }


_COLLATIONS = "".join(
    f"<C:supported-collation>{one}</C:supported-collation>"
    for one in ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
)
#: What "all properties" leaves out (RFC 4918 section 9.1): long ones and those that RFCs ask to leave out.
_NOT_ALL = frozenset({
    name(one) for one in (
        "D:supported-report-set", "D:current-user-privilege-set", "C:calendar-home-set", "C:supported-collation-set",
        "C:calendar-user-address-set", "D:principal-URL", "D:principal-collection-set", "C:calendar-data",
        "C:supported-calendar-data", "C:max-resource-size", "D:owner",
    )
})  # fmt: skip


def collection(view: View, path: str, kind: Kind, asked: Sequence[Name] | None) -> str:
    """One collection's answer; ``asked`` is ``None`` for all properties."""
    known = {one: element(one, inner) for one, inner in view.props(kind).items()}
    known |= view.state["props"].get(kind.value, {})
    if asked is None:
        return response(path, "".join(part for one, part in known.items() if one not in _NOT_ALL))
    return response(
        path, "".join(known[one] for one in asked if one in known),
        "".join(element(one) for one in asked if one not in known),
    )  # fmt: skip


_OF_OBJECTS: dict[Name, Callable[[Record], str]] = {
    name("D:getetag"): lambda row: f'<D:getetag>"{row.etag}"</D:getetag>',
    name("D:getcontenttype"): lambda _: f"<D:getcontenttype>{TYPE}</D:getcontenttype>",
    name("D:getlastmodified"): lambda row: f"<D:getlastmodified>{http_date(row.modified_at)}</D:getlastmodified>",
    name("D:getcontentlength"): lambda row: f"<D:getcontentlength>{len(row.body.encode())}</D:getcontentlength>",
    name("D:resourcetype"): lambda _: "<D:resourcetype/>",
    name("C:calendar-data"): lambda row: f"<C:calendar-data>{escape(row.body)}</C:calendar-data>",
}
DATA = f"{{{CALDAV}}}calendar-data"
_BODIES = frozenset({DATA, name("D:getcontentlength")})


class Objects:
    """Answers about a calendar's events. What is asked is worked out once, for however many there are."""

    def __init__(self, view: View, asked: Sequence[Name] | None) -> None:
        self._view = view
        asked = [one for one in _OF_OBJECTS if one not in _NOT_ALL] if asked is None else asked
        self.asked = asked
        common = {
            name("D:current-user-privilege-set"): _each(_PRIVILEGES[view.login.can_write], "D:privilege"),
            name("D:current-user-principal"): href(principal(view.login.provider_uid)),
            name("D:owner"): href(principal(view.login.provider_uid)),
        }
        self._makers = [_OF_OBJECTS[one] for one in asked if one in _OF_OBJECTS]
        self._same = "".join(element(one, common[one]) for one in asked if one in common)
        self._missing = [one for one in asked if one not in _OF_OBJECTS and one not in common]
        self._lacks = "".join(element(one) for one in self._missing)
        self._kept = {key for key in view.state["props"] if key.startswith(f"{Kind.OBJECT}:")}
        self._base = calendar(view.login.provider_uid)

    @property
    def needs_body(self) -> bool:
        return bool(_BODIES.intersection(self.asked))

    def __call__(self, row: Record) -> str:
        found = self._same + "".join([make(row) for make in self._makers])
        path = self._base + quote(row.href, safe="@:!$&'()*+,;=~")
        key = f"{Kind.OBJECT}:{row.href}"
        if key not in self._kept:
            return response(path, found, self._lacks)
        kept = self._view.state["props"][key]
        found += "".join(kept[one] for one in self._missing if one in kept)
        return response(path, found, "".join(element(one) for one in self._missing if one not in kept))
