"""Answers to invitations that come back by mail (iMIP, RFC 6047; iTIP, RFC 5546 section 3.2.3).

Each visit has a reply address of its own, ``visits+TOKEN@clinic.example``. Mail proves nothing about its sender, so the
token is the secret: who knows it was sent the invitation. What arrives is a stranger's; reading it never fails, it only
finds less.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.icalsplit import decoded, normalised, unfolded

#: Bits of a token, and its length in base 32.
_TOKEN_BYTES, _TOKEN_LETTERS = 16, 26
#: Where mail programs and servers write whom a mail is for.
_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")
_CALENDARS = frozenset({"text/calendar", "application/ics"})
#: What the parsers of the standard library were seen to raise about strangers' mails.
_STUMBLES = (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)
_LINE = re.compile(
    r"([\w-]+)((?:;[\w-]+=(?:\"[^\"]*\"|[^\";:,]*)(?:,(?:\"[^\"]*\"|[^\";:,]*))*)*):(.*)", re.DOTALL | re.ASCII
)
_PARAMETER = re.compile(r";([\w-]+)=((?:\"[^\"]*\"|[^\";])*)", re.ASCII)
_MOMENT = re.compile(r"(\d{8})T(\d{6})(Z?)", re.ASCII)
_ESCAPED = re.compile(r"\\([nN\\;,])")
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_MOST_COMMENT = 1000


class Participation(StrEnum):
    """What somebody says about coming (RFC 5545 section 3.2.12). A counter-proposal is a METHOD, not a PARTSTAT, but
    says the same kind of thing."""

    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    TENTATIVE = "TENTATIVE"
    DELEGATED = "DELEGATED"
    COUNTER = "COUNTER"
    NOTHING = "NEEDS-ACTION"


_SAID = frozenset(set(Participation) - {Participation.COUNTER})


@dataclass(frozen=True, slots=True)
class Answer:
    """The calendar of one mail. ``sequence`` is that of the invitation it answers, ``stamp`` when it was made (``None``:
    not said); ``proposed`` is the time wished for in a counter-proposal, where it can be read."""

    uid: str
    participation: Participation
    sequence: int = 0
    stamp: datetime | None = None
    comment: str = ""
    proposed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """What a mail has for us: the tokens of reply addresses it names, who says to have sent it, and its answer.
    ``automatic``: a machine wrote it (RFC 3834), such as a notice of absence. ``text`` is what a person wrote."""

    tokens: tuple[str, ...]
    sender: str = ""
    answer: Answer | None = None
    text: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """The mailbox for answers, ``local@domain``, with one address in it for each visit (RFC 5233: subaddressing)."""

    local: str
    domain: str
    key: str = field(repr=False)

    def token(self, uid: str) -> str:
        """The secret of one visit: the same in each of its mails, since calendars know an organizer by the address."""
        made = hmac.digest(self.key.encode(), f"invitation:{uid}".encode(), hashlib.sha256)[:_TOKEN_BYTES]
        return base64.b32encode(made).decode("ascii").rstrip("=").lower()

    def of(self, token: str) -> str:
        return f"{self.local}+{token}@{self.domain}"

    def tokens(self, text: str) -> list[str]:
        """Every token in a text that may hold addresses. Some programs write addresses in capitals."""
        found = re.findall(
            rf"{re.escape(self.local)}\+([a-z2-7]{{{_TOKEN_LETTERS}}})@{re.escape(self.domain)}", text, re.IGNORECASE
        )
        return [token.lower() for token in found]


def read_mail(data: bytes, address: ReplyAddress) -> Mail:
    """One mail as it came (RFC 5322), whatever it is."""
    try:
        mail = message_from_bytes(data)
        texts = [str(value) for name in _TO for value in mail.get_all(name, [])]
        calendar = next(_calendars(mail), b"")
    except _STUMBLES:
        return Mail(())
    properties = _properties(calendar)
    texts += [value for _, value in properties.get("ORGANIZER", [])]
    tokens = dict.fromkeys(token for text in texts for token in address.tokens(text))
    return Mail(
        tuple(tokens), _sender(mail), _answer(properties), "" if calendar else _text(mail), _is_automatic(mail)
    )  # fmt: skip


def _calendars(mail: Message) -> Iterator[bytes]:
    for part in mail.walk():
        if part.get_content_type() in _CALENDARS:
            body = part.get_payload(decode=True)
            if isinstance(body, bytes) and b"VCALENDAR" in normalised(body).upper():
                yield normalised(body)


def _sender(mail: Message) -> str:
    try:
        return parseaddr(str(make_header(decode_header(str(mail.get("From", ""))))))[1][:254]
    except _STUMBLES:
        return ""


def _text(mail: Message) -> str:
    """The first plain text, without what it quotes."""
    try:
        plain = (part for part in mail.walk() if part.get_content_type() == "text/plain")
        body = next((part.get_payload(decode=True) for part in plain), b"")
    except _STUMBLES:
        return ""
    lines = decoded(body if isinstance(body, bytes) else b"").splitlines()
    return _clean("\n".join(line for line in lines if not line.startswith(">")))


def _is_automatic(mail: Message) -> bool:
    """Notices of absence and bounces (RFC 3834, RFC 3464), and what goes to many."""
    said = str(mail.get("Auto-Submitted", "no")).strip().lower()
    bulk = str(mail.get("Precedence", "")).strip().lower() in {"bulk", "junk", "list", "auto_reply"}
    bounced = str(mail.get("Return-Path", "")).strip() == "<>" or mail.get_content_type() == "multipart/report"
    return not said.startswith("no") or bulk or bounced


Properties = Mapping[str, list[tuple[Mapping[str, str], str]]]


def _properties(calendar: bytes) -> Properties:
    """The METHOD and the first event's own properties, with parameters; those of alarms and zones are left out."""
    found: dict[str, list[tuple[Mapping[str, str], str]]] = {}
    for where, line in _placed(unfolded(calendar.splitlines(keepends=True))):
        cut = _LINE.fullmatch(decoded(line))
        if cut is None:
            continue
        name = cut[1].upper()
        if where == ["VCALENDAR", "VEVENT"] or (where == ["VCALENDAR"] and name == "METHOD"):
            given = {key.upper(): value.strip('"') for key, value in _PARAMETER.findall(cut[2])}
            found.setdefault(name, []).append((given, cut[3].strip()))
    return found


def _placed(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[list[str], bytes]]:
    """Each line with the components it is in, until the first event ends."""
    where: list[str] = []
    for _, line in lines:
        head, _, rest = decoded(line).partition(":")
        match head.strip().upper():
            case "BEGIN":
                where.append(rest.strip().upper())
            case "END" if where:
                if where.pop() == "VEVENT":
                    return
            case _:
                yield where, line


def _answer(properties: Properties) -> Answer | None:
    uid = _first(properties, "UID")
    said = _participation(properties)
    if not uid or said is None:
        return None
    number = _first(properties, "SEQUENCE")
    return Answer(
        uid, said, int(number) if _NUMBER.fullmatch(number) else 0, _moment(properties, "DTSTAMP"),
        _clean(_ESCAPED.sub(_unescaped, _first(properties, "COMMENT"))),
        _moment(properties, "DTSTART") if said is Participation.COUNTER else None,
    )  # fmt: skip


def _participation(properties: Properties) -> Participation | None:
    """``None``: no answer to an invitation (RFC 5546 sections 3.2.3 and 3.2.7)."""
    method = _first(properties, "METHOD").upper()
    if method == "COUNTER":
        return Participation.COUNTER
    if method != "REPLY":
        return None
    said = [given.get("PARTSTAT", "").upper() for given, _ in properties.get("ATTENDEE", [])]
    known = [Participation(one) for one in said if one in _SAID]
    return known[0] if len(said) == 1 and known else Participation.NOTHING


def _first(properties: Properties, name: str) -> str:
    return properties[name][0][1] if name in properties else ""


def _moment(properties: Properties, name: str) -> datetime | None:
    """A date-time in UTC or in a zone of the IANA; ``None`` for anything else."""
    given, value = properties[name][0] if name in properties else ({}, "")
    cut = _MOMENT.fullmatch(value)
    try:
        if cut is None or not (cut[3] or "TZID" in given):
            return None
        zone = UTC if cut[3] else ZoneInfo(given["TZID"])
        return datetime.strptime(cut[1] + cut[2], "%Y%m%d%H%M%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, LookupError, OSError, OverflowError):
        return None


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] in "nN" else found[1]


def _clean(text: str) -> str:
    """What can be shown and stored, not too long."""
    shown = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
    return shown.strip()[:_MOST_COMMENT]
