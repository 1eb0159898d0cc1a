"""XML of WebDAV (RFC 4918): requests read without trusting them, answers written as text.

Answers with thousands of resources are joined from finished pieces; a tree of them would take many times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from werkzeug.exceptions import BadRequest

DAV, CALDAV = "DAV:", "urn:ietf:params:xml:ns:caldav"
CALENDARSERVER, APPLE, OWN = "http://calendarserver.org/ns/", "http://apple.com/ns/ical/", "urn:reminders:dav"
_PREFIXES = {DAV: "D", CALDAV: "C", CALENDARSERVER: "CS", APPLE: "I", OWN: "R"}
_SPACES = {prefix: space for space, prefix in _PREFIXES.items()}
_DECLARED = "".join(f' xmlns:{prefix}="{space}"' for space, prefix in _PREFIXES.items())
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_OK, _MISSING = "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"

#: A property's name in the notation of ElementTree: {namespace}local.
Name = str


def name(short: str) -> Name:
    """``{DAV:}getetag`` of ``D:getetag``."""
    prefix, _, local = short.partition(":")
    return f"{{{_SPACES[prefix]}}}{local}"


def parse(data: bytes) -> Any:
    """The root element, ``None`` for an empty body; ``BadRequest`` for what is no XML, or XML with entities."""
    if not data.strip():
        return None
    try:
        return ElementTree.fromstring(data, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise BadRequest() from problem


def source(element: Any) -> str:
    """An element as XML, to be kept and given back."""
    element.tail = None
    return str(ElementTree.tostring(element, encoding="unicode"))


def escape(text: str) -> str:
    """Text between tags. Carriage returns are written as references, or readers would drop them (XML 1.0, 2.11)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def tags(full: Name) -> tuple[str, str]:
    """How an element with this name opens and closes."""
    space, _, local = full[1:].partition("}") if full.startswith("{") else ("", "", full)
    prefix = _PREFIXES.get(space)
    if prefix:
        return f"<{prefix}:{local}>", f"</{prefix}:{local}>"
    quoted = escape(space).replace('"', "&quot;")
    return f'<x:{local} xmlns:x="{quoted}">' if space else f"<{local}>", f"</x:{local}>" if space else f"</{local}>"


def element(full: Name, inner: str = "") -> str:
    opening, closing = tags(full)
    return f"{opening}{inner}{closing}"


def href(path: str) -> str:
    return f"<D:href>{escape(path)}</D:href>"


def response(path: str, found: str, missing: str = "") -> str:
    """One resource with its properties, and those it does not have."""
    lacks = f"<D:propstat><D:prop>{missing}</D:prop><D:status>{_MISSING}</D:status></D:propstat>" if missing else ""
    has = f"<D:propstat><D:prop>{found}</D:prop><D:status>{_OK}</D:status></D:propstat>" if found or not lacks else ""
    return f"<D:response>{href(path)}{has}{lacks}</D:response>"


def gone(path: str) -> str:
    """A resource that is not there (any more)."""
    return status(path, _MISSING)


def status(path: str, line: str, why: str = "") -> str:
    return f"<D:response>{href(path)}<D:status>{line}</D:status>{why}</D:response>"


def multistatus(responses: Iterable[str], more: str = "") -> str:
    return f"{_HEAD}<D:multistatus{_DECLARED}>{''.join(responses)}{more}</D:multistatus>"


def error(condition: str, inner: str = "", description: str = "") -> str:
    """Why a request failed (RFC 4918 section 16): a precondition, as ``C:no-uid-conflict``."""
    about = f"<D:responsedescription>{escape(description)}</D:responsedescription>" if description else ""
    return f"{_HEAD}<D:error{_DECLARED}>{element(name(condition), inner)}{about}</D:error>"


def document(root: str, inner: str) -> str:
    """An answer whose root is ``root``, as ``D:prop``."""
    return f"{_HEAD}<{root}{_DECLARED}>{inner}</{root}>"


def kept(props: Mapping[Name, str], asked: Iterable[Name]) -> dict[Name, str]:
    """Of the properties a program has kept, those asked for."""
    return {one: props[one] for one in asked if one in props}
