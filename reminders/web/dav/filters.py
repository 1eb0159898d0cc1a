"""calendar-query filters (RFC 4791 sections 7.8 and 9.7): which events a program wants to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from reminders.domain.dav import NotAllowed
from reminders.gateways import icaltimes
from reminders.gateways.icalobjects import FOREVER, KINDS, NEVER, moment
from reminders.web.dav.xml import name

_COMP, _PROP, _PARAM = name("C:comp-filter"), name("C:prop-filter"), name("C:param-filter")
_RANGE, _TEXT, _ABSENT = name("C:time-range"), name("C:text-match"), name("C:is-not-defined")

Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Window:
    """[since, until), either of them open."""

    since: datetime = NEVER
    until: datetime = FOREVER


ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a calendar: ``kinds`` of components in a window, and what each of them has to satisfy.
    ``absent`` turns it around: resources that have no such component."""

    kinds: tuple[str, ...] = KINDS
    window: Window = ALWAYS
    tests: tuple[Test, ...] = ()
    absent: bool = False

    def matches(self, text: str, zone: tzinfo, *, recurring: bool) -> bool:
        """``text`` is a resource that the database found to lie in the window, as far as it can tell."""
        has = any(f"BEGIN:{kind}" in text for kind in self.kinds)
        if not has or self.absent:
            return has != self.absent
        is_event = "BEGIN:VEVENT" in text
        if not self.tests and (self.window == ALWAYS or (is_event and not recurring)):
            return True
        found = icaltimes.happening(text, self.kinds, self.window.since, self.window.until, zone)
        return any(all(test(one) for test in self.tests) for one in found)


def read(filter_: Any, zone: tzinfo) -> Query:
    """The meaning of a <C:filter>; ``NotAllowed`` for one that RFC 4791 does not know."""
    top = None if filter_ is None else filter_.find(_COMP)
    if top is None or top.get("name", "").upper() != "VCALENDAR":
        raise NotAllowed("A filter begins with VCALENDAR.", "C:valid-filter")
    inner = top.findall(_COMP)
    if len(inner) > 1:
        raise NotAllowed("Ask for one kind of component at a time.", "C:supported-filter")
    if not inner:  # conditions without a kind: on whatever there is
        return _query(top, KINDS, zone)
    return _query(inner[0], (inner[0].get("name", "").upper(),), zone)


def window(element: Any) -> Window:
    """A <C:time-range>; ``NotAllowed`` when its times are no UTC times."""
    if element is None:
        return ALWAYS
    since, until = element.get("start"), element.get("end")
    return Window(_time(since) if since else NEVER, _time(until) if until else FOREVER)


def _query(wanted: Any, kinds: tuple[str, ...], zone: tzinfo) -> Query:
    tests = tuple(_inner(child, zone) for child in wanted if child.tag not in {_RANGE, _ABSENT})
    return Query(kinds, window(wanted.find(_RANGE)), tests, wanted.find(_ABSENT) is not None)


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as problem:
        raise NotAllowed("Times of a filter are in UTC.", "C:valid-filter") from problem


def _inner(child: Any, zone: tzinfo) -> Test:
    if child.tag == _COMP:
        return lambda component: _component(child, component, zone)
    if child.tag == _PROP:
        return lambda component: _property(child, component, zone)
    raise NotAllowed("This filter is not known here.", "C:supported-filter")


def _component(wanted: Any, outer: Any, zone: tzinfo) -> bool:
    """A component within the component, such as an alarm."""
    same = [part for part in outer.subcomponents if str(part.name).upper() == wanted.get("name", "").upper()]
    if wanted.find(_ABSENT) is not None:
        return not same
    query = _query(wanted, (), zone)
    return any(
        (query.window == ALWAYS or _rings(outer, part, query.window, zone)) and all(test(part) for test in query.tests)
        for part in same
    )


def _rings(outer: Any, alarm: Any, found: Window, zone: tzinfo) -> bool:
    when = icaltimes.alarm(outer, alarm, zone)
    return when is not None and found.since <= when < found.until


def _property(wanted: Any, component: Any, zone: tzinfo) -> bool:
    values = component.get(wanted.get("name", "").upper())
    if wanted.find(_ABSENT) is not None:
        return values is None
    if values is None:
        return False
    tests = [_MAKERS[child.tag](child, zone) for child in wanted if child.tag in _MAKERS]
    return any(all(test(value) for test in tests) for value in _each(values))


def _each(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list) else [values]


def _at(wanted: Any, zone: tzinfo) -> Test:
    found = window(wanted)
    return lambda value: bool(found.since <= moment(value.dt, zone) < found.until)


def _param(wanted: Any, zone: tzinfo) -> Test:
    def test(value: Any) -> bool:
        text, match = getattr(value, "params", {}).get(wanted.get("name", "").upper()), wanted.find(_TEXT)
        if wanted.find(_ABSENT) is not None:
            return text is None
        return bool(text is not None and (match is None or _text(match, zone)(text)))

    return test


def _text(wanted: Any, _: tzinfo) -> Test:
    """A substring, by default without regard to the case of ASCII letters (i;ascii-casemap)."""
    as_is = wanted.get("collation") == "i;octet"
    needle, negated = wanted.text or "", wanted.get("negate-condition") == "yes"

    def test(value: Any) -> bool:
        text = _plain(value)
        found = needle in text if as_is else needle.casefold() in text.casefold()
        return bool(found != negated)

    return test


_MAKERS: dict[str, Callable[[Any, tzinfo], Test]] = {_TEXT: _text, _PARAM: _param, _RANGE: _at}


def _plain(value: Any) -> str:
    if hasattr(value, "cats"):  # CATEGORIES are a list of texts
        return ",".join(str(one) for one in value.cats)
    return str(value) if isinstance(value, str) else str(value.to_ical().decode())
