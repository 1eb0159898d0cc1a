"""Kinds of connections to other systems: which connector goes with which side of ours. To add a system, write its
connector under ``gateways/`` and give it a ``Kind`` here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from secrets import SystemRandom
from threading import Event
from types import SimpleNamespace
from urllib.parse import urlsplit

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.changeset import Gate
from reminders.domain.connector import Connector
from reminders.domain.crm import PATIENT, VISIT, Account, System
from reminders.domain.imip import ReplyAddress
from reminders.domain.ports import FoundCalendar
from reminders.domain.replica import Replica
from reminders.domain.sync import Owner
from reminders.domain.visitlink import VisitLinks
from reminders.gateways import espocrm_words, fhir_words, gnuhealth_words, hubspot_words, salesforce_words
from reminders.gateways.caldav import EVENT, CalDav, Login
from reminders.gateways.caldav_discovery import discover
from reminders.gateways.courier import HttpCourier
from reminders.gateways.download import download
from reminders.gateways.espocrm import EspoCrm
from reminders.gateways.fhir import Fhir
from reminders.gateways.gnuhealth import GnuHealth
from reminders.gateways.hubspot import HubSpot
from reminders.gateways.icalobjects import read
from reminders.gateways.icalread import occupied
from reminders.gateways.imap import Box, Imap
from reminders.gateways.outward import Outward, networks
from reminders.gateways.salesforce import Salesforce
from reminders.gateways.zonerules import SystemZones
from reminders.services.attending import MOST_BYTES, Attending
from reminders.services.calendarupkeep import CalendarUpkeep
from reminders.services.catalogue import Catalogue
from reminders.services.changes import ChangeLog
from reminders.services.consequences import Consequences
from reminders.services.crew import Threads
from reminders.services.dialogues import Dialogues
from reminders.services.lifecycle import Lifecycle
from reminders.services.slots import Slots
from reminders.services.sync import external
from reminders.services.sync.busy import BusyTimes
from reminders.services.sync.calendarfile import CalendarFiles
from reminders.services.sync.connections import Connections
from reminders.services.sync.crms import CRM, CrmConnections, account_of
from reminders.services.sync.disputes import Disputes
from reminders.services.sync.events import OWNERS, VisitEvents
from reminders.services.sync.feeds_in import FeedSource
from reminders.services.sync.kinds import Kind, Kinds
from reminders.services.sync.mailbox import MailboxSource
from reminders.services.sync.patientcards import PatientCards
from reminders.services.sync.preview import ImportPreviews
from reminders.services.sync.running import Syncing
from reminders.services.sync.visitrecords import VisitRecords
from reminders.services.sync.waking import Waking
from reminders.services.vault import SecretVault
from reminders.services.walltimes import WallTimes
from reminders.services.webhooks.delivering import Delivering
from reminders.services.webhooks.subscriptions import Webhooks
from reminders.services.webhooks.telling import Telling
from reminders.settings import Settings
from reminders.store.engine import Database, Record

CALENDAR = "calendar"
#: Receivers of webhooks that one process waits for at once.
_COURIERS = 4
#: How the connector of a patient system is built.
Build = Callable[[Outward, Clock, Account], Connector]
Systems = Sequence[tuple[System, Build]]
#: Patient systems and CRMs: what each asks for, and its connector. A new one is a line here.
SYSTEMS: Systems = (
    (espocrm_words.SYSTEM, EspoCrm),
    (hubspot_words.SYSTEM, HubSpot),
    (salesforce_words.SYSTEM, Salesforce),
    (fhir_words.SYSTEM, Fhir),
    (gnuhealth_words.SYSTEM, GnuHealth),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What connections stand on. ``ending`` is set when the process is to end."""

    database: Database
    clock: Clock
    catalogue: Catalogue
    lifecycle: Lifecycle
    ending: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Connecting:
    """Everything around connections."""

    attending: Attending
    consequences: Consequences
    kinds: Kinds
    vault: SecretVault
    busy: BusyTimes
    calendars: Connections
    crms: CrmConnections
    previews: ImportPreviews
    disputes: Disputes
    files: CalendarFiles
    syncing: Syncing
    waking: Waking
    webhooks: Webhooks
    delivering: Delivering
    couriers: Threads
    changes: ChangeLog
    external: external.External


def connecting(
    settings: Settings, ground: Ground, owner: str, systems: Systems = SYSTEMS
) -> Connecting:  # fmt: skip
    """Put it together. ``owner`` names this process in leases."""
    outward = Outward(ground.clock, networks(settings.private_networks))
    busy = BusyTimes(ground.database, ground.clock, ground.catalogue, occupied)
    then = _consequences(ground)
    attending = _attending(settings, ground, then)
    kinds = {
        **calendar_kinds(ground, outward, busy), "imap": mailbox_kind(ground, outward, attending),
        **crm_kinds(ground, outward, systems), external.KIND: external_kind(ground),
    }  # fmt: skip
    vault = SecretVault(settings.secret_key)
    calendars = Connections(
        ground.database, ground.clock, ground.catalogue, kinds, vault, partial(_discovered, outward), CALENDAR
    )
    gate = Gate(settings.blast_radius, timedelta(minutes=settings.undo_minutes))
    crms = CrmConnections(ground.database, ground.clock, ground.catalogue, kinds, vault, gate.undo)
    disputes = Disputes(ground.database, ground.clock, kinds)
    log = ChangeLog(ground.database, ground.clock)
    telling, couriers = Telling(ground.clock, ground.catalogue), Threads(_COURIERS, "courier")
    courier, chance = HttpCourier(outward), SystemRandom().random
    delivering = Delivering(ground.database, ground.clock, courier, vault, owner, couriers.each, chance, ground.ending)
    return Connecting(
        attending, then, kinds, vault, busy, calendars, crms,
        ImportPreviews(ground.database, kinds, vault, crms, gate), disputes, CalendarFiles(ground.clock, ground.catalogue, busy, occupied),
        Syncing(ground.database, ground.clock, kinds, vault, owner, chance, ground.ending, gate.radius),
        Waking(ground.database, ground.clock, kinds, [telling, log]),
        Webhooks(ground.database, ground.clock, courier, vault, telling, delivering), delivering, couriers, log,
        external.External(ground.database, ground.clock, kinds),
    )  # fmt: skip


def upkeep(joined: Connecting, ground: Ground) -> list[Callable[[], object]]:
    """What the worker does for calendars beside everything else."""
    calendars = CalendarUpkeep(ground.database, ground.clock, ground.catalogue, read)
    wall_times = WallTimes(ground.database, ground.clock, ground.catalogue, ground.lifecycle, SystemZones())
    return [wall_times.tick, joined.syncing.run, joined.busy.extend, calendars.tick]


def calendar_kinds(ground: Ground, outward: Outward, busy: BusyTimes) -> Kinds:
    """A provider's calendar on a CalDAV server, and one that can only be read."""
    return {
        "caldav": Kind(
            CALENDAR, partial(_caldav, ground, outward), partial(_visit_events, ground, busy),
            lambda _: {EVENT: OWNERS}, visits=EVENT,
        ),
        "ics": Kind(
            CALENDAR, partial(_feed, outward, busy), lambda _connection, _actor: {}, lambda _: {},
            interval=timedelta(minutes=15),
        ),
    }  # fmt: skip


def mailbox_kind(ground: Ground, outward: Outward, attending: Attending) -> Kind:
    """A mailbox that answers to invitations come into."""
    return Kind(
        CALENDAR, partial(_mailbox, ground, outward, attending), lambda _connection, _actor: {}, lambda _: {},
        interval=timedelta(minutes=1),
    )  # fmt: skip


def answer_address(settings: Settings) -> ReplyAddress | None:
    """Where answers to invitations are read, if anywhere."""
    local, domain = settings.reply_mailbox
    return ReplyAddress(local, domain, settings.secret_key) if local else None


def visit_links(settings: Settings) -> VisitLinks | None:
    """How e-mails lead to pages of visits, where patients can reach us; on the machine itself alone they cannot."""
    host = urlsplit(settings.public_url).hostname or ""
    is_own = host == "localhost" or host.startswith("127.") or host == "::1"
    return None if is_own else VisitLinks(settings.public_url, settings.secret_key)


def _consequences(ground: Ground) -> Consequences:
    """What follows from an answer that did not come by text."""
    slots = Slots(ground.database, ground.clock, ground.catalogue)
    return Consequences(ground.catalogue, ground.lifecycle, Dialogues(ground.catalogue, slots))


def _attending(settings: Settings, ground: Ground, then: Consequences) -> Attending:
    return Attending(ground.database, ground.clock, then, answer_address(settings))


def _mailbox(
    ground: Ground, outward: Outward, attending: Attending, connection: Record, secret: str
) -> MailboxSource:  # fmt: skip
    box = Box.from_url(connection.config["url"], connection.config.get("username", ""), secret)
    return MailboxSource(Imap(box, outward.dial, ground.clock, MOST_BYTES), attending.receive)


def crm_kinds(ground: Ground, outward: Outward, systems: Systems) -> Kinds:
    """Patients and visits in other systems."""
    return {
        system.kind: Kind(
            CRM, partial(_crm, ground, outward, system, build), partial(_records, ground, system),
            partial(_owners, system), visits=VISIT if VISIT in system.fields else None,
            patients=PATIENT if PATIENT in system.fields else None, system=system,
        )
        for system, build in systems
    }  # fmt: skip


def external_kind(ground: Ground) -> Kind:
    """Programs of the clinic's own, which call us. They may name our providers and services by our ids."""

    def records(connection: Record, actor: Actor) -> dict[str, Replica]:
        return _records(ground, external.SYSTEM, _by_our_ids(ground, connection), actor)

    return Kind(
        CRM, lambda connection, _: external.Passive(external.source_of(connection)), records,
        partial(_owners, external.SYSTEM), interval=timedelta(minutes=30), system=external.SYSTEM,
    )  # fmt: skip


def _by_our_ids(ground: Ground, connection: Record) -> Record:
    snapshot = ground.catalogue.current()
    own = {"providers": snapshot.providers, "services": snapshot.services}
    names = {what: {uid: uid for uid in known} | connection.config.get(what, {}) for what, known in own.items()}
    return SimpleNamespace(**{**connection._mapping, "config": {**connection.config, **names}})


def _crm(
    ground: Ground, outward: Outward, system: System, build: Build, connection: Record, secret: str
) -> Connector:  # fmt: skip
    return build(outward, ground.clock, account_of(system, connection, secret))


def _records(ground: Ground, system: System, connection: Record, actor: Actor) -> dict[str, Replica]:
    places = list(ground.catalogue.current().location_by_id.values())
    country = connection.config.get("country") or (places[0].country if places else "US")
    sides: dict[str, Replica] = {
        PATIENT: PatientCards(ground.clock, connection, actor, country),
        VISIT: VisitRecords(ground.clock, ground.catalogue, ground.lifecycle, connection, actor),
    }
    return {entity: side for entity, side in sides.items() if entity in system.fields}


def _owners(system: System, connection: Record) -> dict[str, dict[str, Owner]]:
    return system.owners(connection.config.get("owners", {}))


def _caldav(ground: Ground, outward: Outward, connection: Record, secret: str) -> CalDav:
    provider = ground.catalogue.current().provider_by_id[connection.provider_id]
    config = connection.config
    login = Login(config.get("username", ""), secret)
    return CalDav(
        outward, ground.clock, config["url"], login, provider.location.zone, writes=config.get("visits", True)
    )  # fmt: skip


def _visit_events(ground: Ground, busy: BusyTimes, connection: Record, actor: Actor) -> dict[str, Replica]:
    return {EVENT: VisitEvents(ground.clock, ground.catalogue, ground.lifecycle, busy, connection, actor)}


def _feed(outward: Outward, busy: BusyTimes, connection: Record, _secret: str) -> FeedSource:
    return FeedSource(partial(download, outward), busy, connection.config["url"])


def _discovered(outward: Outward, address: str, user: str, password: str) -> list[FoundCalendar]:
    return discover(outward, address, Login(user, password))
