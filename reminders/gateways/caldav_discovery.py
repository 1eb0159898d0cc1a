"""From what people know (an address, an e-mail address, a server's name) to their calendars (RFC 6764, RFC 5397)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urljoin, urlsplit

from reminders.domain.connector import PeerError
from reminders.domain.ports import FoundCalendar
from reminders.gateways import davxml
from reminders.gateways.caldav import Login
from reminders.gateways.davxml import CAL, DAV, Answered
from reminders.gateways.outward import Outward

_XML = {"Content-Type": "application/xml; charset=utf-8"}
_PRINCIPAL, _HOME = f"{DAV}current-user-principal", f"{CAL}calendar-home-set"
_ABOUT = (f"{DAV}resourcetype", f"{DAV}displayname", f"{CAL}supported-calendar-component-set", _PRINCIPAL, _HOME)


def discover(outward: Outward, address: str, login: Login) -> list[FoundCalendar]:
    """Every calendar for events that this login may see, by name. ``PeerError`` when there is no CalDAV server,
    ``LoginRefused`` when it does not know us."""
    problem: PeerError | None = None
    for start in _starts(address.strip()):
        try:
            found = _Walk(outward, login).from_(start)
        except PeerError as failed:
            if failed.account:
                raise
            problem = problem or failed
            continue
        if found:
            return sorted(found, key=lambda one: (one.name.casefold(), one.url))
    raise problem or PeerError("There is no calendar server at this address.", permanent=True)


def _starts(address: str) -> Iterator[str]:
    """Where to begin: the address as given, then the well-known place of its host."""
    if "://" not in address:
        host = address.rpartition("@")[2].strip("/")
        yield f"https://{host}/.well-known/caldav"
        yield f"https://{host}/"
        return
    yield address
    parts = urlsplit(address)
    yield f"{parts.scheme}://{parts.netloc}/.well-known/caldav"
    yield f"{parts.scheme}://{parts.netloc}/"


class _Walk:
    """One walk from an address over the principal and the home set to the calendars."""

    def __init__(self, outward: Outward, login: Login) -> None:
        self._outward = outward
        self._auth = (login.user, login.password) if login.user else None

    def from_(self, start: str) -> list[FoundCalendar]:
        here, base = self._about(start, "0")
        if any(_is_calendar(one) for one in here):
            return [_calendar(one, base) for one in here if _is_calendar(one)]
        homes = [self._home(one, base) for one in here]
        for home in filter(None, homes):
            inside, at = self._about(home, "1")
            found = [_calendar(one, at) for one in inside if _is_calendar(one)]
            if found:
                return found
        return []

    def _home(self, answer: Answered, base: str) -> str | None:
        home, principal = answer.href(_HOME), answer.href(_PRINCIPAL)
        if home is None and principal is not None:
            people, base = self._about(urljoin(base, principal), "0")
            home = next((one.href(_HOME) for one in people if one.href(_HOME)), None)
        return urljoin(base, home) if home else None

    def _about(self, url: str, depth: str) -> tuple[list[Answered], str]:
        reply = self._outward.request(
            "PROPFIND", url, headers={**_XML, "Depth": depth}, body=davxml.propfind(*_ABOUT), auth=self._auth
        )
        if reply.status != 207:
            raise PeerError(f"There is no calendar server at this address ({reply.status}).", permanent=True)
        return davxml.multistatus(reply.body, reply.url)[0], reply.url


def _is_calendar(answer: Answered) -> bool:
    kind = answer.props.get(f"{DAV}resourcetype")
    if kind is None or kind.find(f"{CAL}calendar") is None:
        return False
    kinds = answer.props.get(f"{CAL}supported-calendar-component-set")
    names = {part.get("name") for part in kinds} if kinds is not None else {"VEVENT"}
    return "VEVENT" in names


def _calendar(answer: Answered, base: str) -> FoundCalendar:
    name = answer.text(f"{DAV}displayname") or answer.path.rstrip("/").rpartition("/")[2]
    return FoundCalendar(urljoin(base, quote(answer.path)), name)
