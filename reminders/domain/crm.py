"""Patients and visits as every patient system and CRM is told of them: names of fields, forms of values, who decides.

A connector translates between these and its vendor's words; nothing else in the product knows the vendor. Its module
under ``gateways/`` exports a ``System`` and a class that is built from an ``Account``; ``connecting.py`` names both.

**Values.** Fields are a flat mapping; a field that the other system does not keep is left out of ``System.fields`` and of
every ``Remote``. Texts are canonical (``domain/sync.py``), and ``""`` where there is nothing, never ``None``.

| patient | form |
| --- | --- |
| ``name`` | the whole name as it is spoken, given names first; ``split_name`` and ``join_name`` where there are parts |
| ``phone`` | E.164 or ``""``; a number that cannot be read as one is left as it is written, and refused by our side |
| ``email`` | as written, or ``""`` |
| ``language`` | BCP 47 (``es``, ``pt-BR``) or ``""`` |
| ``birth_year`` | a number, or ``None`` |
| ``sms_opt_out``, ``voice_opt_out``, ``email_opt_out`` | true: wants nothing by this channel |

| visit | form |
| --- | --- |
| ``start``, ``end`` | UTC to the second (``canonical_moment``) |
| ``patient`` | the *other system's* id of the patient |
| ``provider``, ``service`` | the other system's id or name, as the connection's settings map them; ``""`` when not mapped |
| ``status`` | ``pending``, ``booked``, ``arrived``, ``fulfilled`` (kept), ``noshow``, ``cancelled``: FHIR R4 |
| ``confirmed`` | true once the patient said yes |
| ``cancel_reason`` | words, or ``""`` |

**Statuses.** A system that knows fewer writes the nearest and shows what it keeps: the engine remembers one base for each
side, so a poorer word over there is not taken for a change.

**References.** Patients come before visits in ``Connector.entities``. A visit is written only after its patient has an id
there, so ``patient`` of a ``Write`` is never empty. A visit read from there whose patient is not known here waits until
that patient is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from reminders.domain.sync import Owner

PATIENT, VISIT = "patient", "visit"
#: In this order: what others refer to comes first.
ENTITIES = (PATIENT, VISIT)

#: Every field, and who has the last word on it unless a connection says otherwise. A start or status that changed there
#: is a request, whoever owns it: booking rules may refuse it.
DEFAULT_OWNERS: Mapping[str, Mapping[str, Owner]] = {
    PATIENT: {
        "name": Owner.THEIRS, "phone": Owner.THEIRS, "email": Owner.THEIRS, "language": Owner.THEIRS,
        "birth_year": Owner.THEIRS, "sms_opt_out": Owner.MOST_RESTRICTIVE, "voice_opt_out": Owner.MOST_RESTRICTIVE,
        "email_opt_out": Owner.MOST_RESTRICTIVE,
    },
    VISIT: {
        "start": Owner.OURS, "end": Owner.OURS, "patient": Owner.OURS, "provider": Owner.OURS, "service": Owner.OURS,
        "status": Owner.OURS, "confirmed": Owner.OURS, "cancel_reason": Owner.OURS,
    },
}  # fmt: skip
#: What a connection may choose for a field. Opt-outs cannot be chosen: the more restrictive always wins.
CHOICES = (Owner.OURS, Owner.THEIRS, Owner.NEWEST, Owner.OFF)
OPT_OUTS = {"sms_opt_out": "sms", "voice_opt_out": "voice", "email_opt_out": "email"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a person enters to connect a system. ``secret``: kept encrypted and never shown. ``default``
    ``None`` means that it has to be given; ``choices``: one of these."""

    name: str
    help: str
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """One kind of system. ``kind`` is its name in the API and in the table of connections; ``fields`` says what it keeps
    of each entity, the rest is neither sent nor compared. ``pages``: where people see a record there, by entity, with
    names of settings and ``id`` in braces. ``calls_us``: it is never asked, but calls us (``services/sync/external.py``)."""

    kind: str
    title: str
    settings: tuple[Setting, ...]
    fields: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {entity: frozenset(owners) for entity, owners in DEFAULT_OWNERS.items()}
    )

    pages: Mapping[str, str] = field(default_factory=dict)
    calls_us: bool = False

    def page(self, entity: str, remote_id: str, config: Mapping[str, str]) -> str | None:
        """Address of a record there, for people."""
        template = self.pages.get(entity)
        if template is None:
            return None
        known = {name: value.rstrip("/") for name, value in config.items()}
        return template.format_map({**known, "id": quote(remote_id, safe="")})

    def owners(self, chosen: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Owner]]:
        """Who decides on each field that this system keeps: the defaults, and what a connection chose instead."""
        found: dict[str, dict[str, Owner]] = {}
        for entity, kept in self.fields.items():
            wanted = {name: Owner(value) for name, value in chosen.get(entity, {}).items() if name not in OPT_OUTS}
            found[entity] = {
                name: wanted.get(name, owner) for name, owner in DEFAULT_OWNERS[entity].items() if name in kept
            }
        return found


@dataclass(frozen=True, slots=True)
class Account:
    """What a connector is built from: the settings that are not secret, with their defaults, and those that are."""

    config: Mapping[str, str]
    secrets: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Account({dict(self.config)!r}, secrets={sorted(self.secrets)})"


def split_name(name: str) -> tuple[str, str]:
    """Given names and family name for systems that keep them apart: the last word is the family name. ``join_name`` gives
    the same whole back, which is all that is compared."""
    given, _, family = " ".join(name.split()).rpartition(" ")
    return given, family


def join_name(given: str | None, family: str | None) -> str:
    """The whole name, given names first."""
    return " ".join(f"{given or ''} {family or ''}".split())


def same_name(one: str, other: str) -> bool:
    """Whether two names can be one person's: the same words in any order and spelling, or the words of one among those of
    the other. A name of a single word says too little."""
    first, second = _words(one), _words(other)
    if "".join(sorted(first)) == "".join(sorted(second)) or "".join(first) == "".join(second):
        return bool(first)
    small, large = sorted((set(first), set(second)), key=len)
    return len(small) > 1 and small <= large


def _words(name: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c)).split()
