"""What connectors to CRMs have in common: JSON over HTTP, cursors over (time, id), names, phones and moments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import phonenumbers

from reminders.domain.connector import PeerError, Refused
from reminders.domain.crm import Account, System, split_name
from reminders.domain.sync import canonical_moment
from reminders.gateways.outward import Outward

#: Read again before the newest change seen, because other systems index late and their clocks differ.
OVERLAP = timedelta(minutes=10)
_LISTING, _SECONDS = 20 * 1024 * 1024, 60.0
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """``data`` is the parsed body, ``None`` when there is none or an error's body is no JSON."""

    status: int
    headers: Mapping[str, str]
    data: Any


def ask(
    outward: Outward, method: str, url: str, *, query: Mapping[str, Any] | None = None, body: Any = None,
    headers: Mapping[str, str] | None = None, secrets: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """One request; ``PeerError`` when a good answer cannot be read. ``body`` is sent as JSON."""
    sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    names = {**_JSON, **({"Content-Type": "application/json"} if sent is not None else {}), **(headers or {})}
    address = f"{url}?{urlencode(flat(query))}" if query else url
    reply = outward.request(
        method, address, headers=names, body=sent, secrets=secrets, most=_LISTING, seconds=_SECONDS
    )  # fmt: skip
    try:
        data = json.loads(reply.body) if reply.body else None
    except ValueError as problem:
        if reply.status < 300:
            raise PeerError("The other system's answer cannot be read.") from problem
        data = None
    return Answer(reply.status, reply.headers, data)


def entered(system: System, account: Account) -> dict[str, str]:
    """All settings of an account, secrets included; what was left out has its default."""
    defaults = {setting.name: setting.default for setting in system.settings if setting.default is not None}
    return {**defaults, **account.config, **account.secrets}


def flat(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested parameters as PHP and Rails read them: ``where[0][type]=equals``."""
    pairs: list[tuple[str, str]] = []

    def add(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                add(f"{name}[{key}]", inner)
        elif isinstance(value, list | tuple):
            for place, inner in enumerate(value):
                add(f"{name}[{place}]", inner)
        else:
            pairs.append((name, str(value)))

    for name, value in query.items():
        add(name, value)
    return pairs


def pairs(text: str, mark: str) -> dict[str, str]:
    """``NAME=value, NAME=value`` as a mapping; ``mark`` stands between."""
    split = (one.partition(mark) for one in text.split(",") if mark in one)
    return {name.strip(): value.strip() for name, _, value in split}


def digest(record: Mapping[str, Any]) -> str:
    """The version of a record by its content, for systems whose time stamps have one value per second."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def kept(record: Mapping[str, Any]) -> str:
    """A record as text, to be handed back with the next write."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False)


def opened(raw: str | None) -> dict[str, Any]:
    """The record of ``kept``; empty when there was none."""
    found = json.loads(raw) if raw else {}
    return found if isinstance(found, dict) else {}


def listed(body: bytes) -> list[Any]:
    """The JSON array of a webhook; ``Refused`` for anything else."""
    try:
        found = json.loads(body)
    except ValueError as problem:
        raise Refused("unreadable", "This webhook is not JSON.") from problem
    return found if isinstance(found, list) else [found]


def parted(name: str, family: str = "") -> tuple[str, str]:
    """A whole name as (given, family): a family name of several words that stood there stays whole."""
    if family and (name == family or name.endswith(f" {family}")):
        return name[: -len(family)].strip(), family
    return split_name(name)


def e164(text: str | None, region: str) -> str:
    """A phone number as people type it, in E.164 where it can be read as one; national ones are read in ``region``
    (ISO 3166-1 alpha-2)."""
    plain = (text or "").strip()
    try:
        number = phonenumbers.parse(plain, region or None)
    except phonenumbers.NumberParseException:
        return plain
    if not phonenumbers.is_possible_number(number):
        return plain
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def moment(text: str) -> datetime:
    """An ISO 8601 moment; one without an offset is UTC."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def canonical(text: str | None) -> str | None:
    """A moment as the engine compares it; ``None`` when there is none or it cannot be read."""
    try:
        return canonical_moment(moment(text)) if text else None
    except ValueError:
        return None
