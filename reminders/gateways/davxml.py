"""The XML of WebDAV (RFC 4918): requests we make, answers we read. Answers are strangers' XML: no entities, no DTD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import defusedxml
from defusedxml.ElementTree import ParseError, fromstring

from reminders.domain.connector import PeerError

DAV, CAL, CS = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
_SPACES = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/"'
_PREFIX = {DAV: "d", CAL: "c", CS: "s"}


@dataclass(frozen=True, slots=True)
class Answered:
    """One ``response`` of a multistatus: ``path`` is decoded and absolute; ``gone`` when it is a 404."""

    path: str
    status: int
    props: dict[str, Element]

    @property
    def gone(self) -> bool:
        return self.status in (404, 410)

    def text(self, name: str) -> str | None:
        found = self.props.get(name)
        return None if found is None or found.text is None else found.text.strip()

    def href(self, name: str) -> str | None:
        """The address inside a property such as ``current-user-principal``."""
        found = self.props.get(name)
        inner = None if found is None else found.find(f"{DAV}href")
        return None if inner is None or not inner.text else inner.text.strip()


def propfind(*names: str) -> str:
    props = "".join(f"<{_short(name)}/>" for name in names)
    return f'<?xml version="1.0" encoding="utf-8"?><d:propfind {_SPACES}><d:prop>{props}</d:prop></d:propfind>'


def sync_collection(token: str) -> str:
    """RFC 6578. No ``limit``: servers that know it truncate without saying so, or refuse."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><d:sync-collection {_SPACES}><d:sync-token>{escape(token)}'
        "</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
    )


def multiget(hrefs: Sequence[str]) -> str:
    """RFC 4791 section 7.9; ``hrefs`` are encoded paths."""
    wanted = "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><c:calendar-multiget {_SPACES}><d:prop><d:getetag/><c:calendar-data/>'
        f"</d:prop>{wanted}</c:calendar-multiget>"
    )


def multistatus(body: bytes, base: str) -> tuple[list[Answered], str | None]:
    """The answers, and the sync-token if there is one; ``PeerError`` when it is no multistatus."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, ValueError) as problem:
        raise PeerError("The other system's answer is not XML.") from problem
    if root.tag != f"{DAV}multistatus":
        raise PeerError("The other system's answer is not a list of files.")
    token = root.find(f"{DAV}sync-token")
    return list(_responses(root, base)), None if token is None else token.text


def is_tag(body: bytes, name: str) -> bool:
    """True when an error body names this condition, for example ``valid-sync-token``."""
    return name.encode() in body


def path_of(href: str, base: str) -> str:
    """An href as servers write it (absolute, relative, encoded or not) as a decoded path."""
    return unquote(urlsplit(urljoin(base, href)).path)


def _responses(root: Element, base: str) -> Iterator[Answered]:
    for response in root.findall(f"{DAV}response"):
        href = response.find(f"{DAV}href")
        if href is None or not href.text:
            continue
        props: dict[str, Element] = {}
        for stat in response.findall(f"{DAV}propstat"):
            if _status(stat) in (200, 0):
                props.update({prop.tag: prop for inner in stat.findall(f"{DAV}prop") for prop in inner})
        yield Answered(path_of(href.text.strip(), base), _status(response) or 200, props)


def _status(element: Element) -> int:
    found = element.find(f"{DAV}status")
    words = (found.text or "").split() if found is not None else []
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0


def _short(name: str) -> str:
    space, _, local = name.rpartition("}")
    return f"{_PREFIX[space + '}']}:{local}"
