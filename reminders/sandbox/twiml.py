"""Reading TwiML, the XML with which an application tells Twilio what to say, ask or send.

Names and defaults follow https://www.twilio.com/docs/voice/twiml and https://www.twilio.com/docs/messaging/twiml.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

MAX_DOCUMENT = 64 * 1024  # Twilio's own limit, in bytes
_DECLARATION = re.compile(r"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class TwimlError(ValueError):
    """The document is not TwiML: too long, not well-formed, or its root is not ``Response``."""


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    language: str = "en-US"
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    url: str


@dataclass(frozen=True, slots=True)
class Pause:
    length: timedelta = timedelta(seconds=1)


Prompt = Say | Play | Pause


@dataclass(frozen=True, slots=True)
class Gather:
    """A question answered by keys, by words (``speech``, in ``language``) or either. ``action`` "" means the address of the current document; ``num_digits`` 0 means any number."""

    prompts: tuple[Prompt, ...] = ()
    action: str = ""
    num_digits: int = 0
    timeout: timedelta = timedelta(seconds=5)
    finish_on_key: str = "#"
    dtmf: bool = True
    speech: bool = False
    language: str = "en-US"
    action_on_empty_result: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Dial:
    number: str
    action: str = ""
    timeout: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verb the emulator does not play; Twilio would warn about it or do something we have no use for."""

    name: str


Verb = Say | Play | Pause | Gather | Redirect | Hangup | Dial | Unknown


@dataclass(frozen=True, slots=True)
class Message:
    """``<Message>`` in the answer to an inbound text; ``to`` "" means whoever wrote."""

    body: str
    to: str = ""
    status_callback: str = ""


def read_voice(document: str) -> tuple[Verb, ...]:
    """The verbs of a voice document in order. An empty document has none; raises ``TwimlError``."""
    root = _root(document)
    return () if root is None else tuple(_verb(element) for element in root)


def read_messages(document: str) -> tuple[Message | Redirect, ...]:
    """The texts to send back and redirects to follow, in order; other verbs are ignored. Raises ``TwimlError``."""
    root = _root(document)
    found: list[Message | Redirect] = []
    for element in root if root is not None else ():
        if element.tag in ("Message", "Sms"):
            found.append(_message(element))
        elif element.tag == "Redirect":
            found.append(Redirect(_text(element)))
    return tuple(found)


def _root(document: str) -> ET.Element | None:
    if not document.strip():
        return None
    if len(document.encode()) > MAX_DOCUMENT:
        raise TwimlError("the document is longer than 64 KB")
    # TwiML needs no declarations, and an entity is the one way in which a small document can grow without bound.
    if _DECLARATION.search(document):
        raise TwimlError("the document declares a type or an entity")
    try:
        root = ET.fromstring(document.strip())  # noqa: S314 - size and declarations are checked above
    except (ET.ParseError, ValueError) as error:
        raise TwimlError("the document is not well-formed") from error
    if root.tag != "Response":
        raise TwimlError("the root of the document is not Response")
    return root


def _verb(element: ET.Element) -> Verb:
    read = _VERBS.get(element.tag)
    return read(element) if read else Unknown(element.tag)


def _say(element: ET.Element) -> Say:
    return Say(_text(element), element.get("language", "en-US"), element.get("voice", ""))


def _pause(element: ET.Element) -> Pause:
    return Pause(timedelta(seconds=_whole(element.get("length"), 1)))


def _gather(element: ET.Element) -> Gather:
    prompts = (_verb(child) for child in element)
    return Gather(
        prompts=tuple(prompt for prompt in prompts if isinstance(prompt, Say | Play | Pause)),
        action=element.get("action", ""),
        num_digits=_whole(element.get("numDigits"), 0),
        timeout=timedelta(seconds=_whole(element.get("timeout"), 5)),
        finish_on_key=element.get("finishOnKey", "#"),
        dtmf="dtmf" in element.get("input", "dtmf").split(),
        speech="speech" in element.get("input", "dtmf").split(),
        language=element.get("language", "en-US"),
        action_on_empty_result=element.get("actionOnEmptyResult", "").lower() == "true",
    )


def _message(element: ET.Element) -> Message:
    body = element.find("Body")
    return Message(
        body="".join((body if body is not None else element).itertext()).strip(),
        to=element.get("to", ""),
        status_callback=element.get("statusCallback") or element.get("action") or "",
    )


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


_VERBS: dict[str, Callable[[ET.Element], Verb]] = {
    "Say": _say,
    "Play": lambda element: Play(_text(element)),
    "Pause": _pause,
    "Gather": _gather,
    "Redirect": lambda element: Redirect(_text(element)),
    "Hangup": lambda _: Hangup(),
    "Reject": lambda _: Hangup(),
    "Dial": lambda element: Dial(
        _text(element), element.get("action", ""), timedelta(seconds=_whole(element.get("timeout"), 30))
    ),
}
