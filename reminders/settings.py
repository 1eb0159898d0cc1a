"""The only module that reads the environment.

``Settings`` is the table of every variable: name, default and meaning stand on one line each, and README's
configuration table is generated from it (``reminders check-config --markdown``), so help and parsing cannot drift.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reminders.errors import ConfigurationError

#: ``Name <address>`` or an address alone. The sender's own address is plain ASCII.
_MAILBOX = re.compile(
    r"(?:(?P<name>[^<>\r\n]*)<)?(?P<address>[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?(name)>)",
    re.ASCII | re.IGNORECASE,
)


def _env(name: str, default: Any, help_: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"env": name, "help": help_, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured, already parsed."""

    database_url: str = _env(
        "REMINDERS_DATABASE_URL", "sqlite:///reminders.db", "SQLAlchemy URL; SQLite or postgresql://…"
    )
    public_url: str = _env(
        "REMINDERS_PUBLIC_URL", "http://127.0.0.1:8000", "Address under which Twilio and people reach this service"
    )
    secret_key: str = _env(
        "REMINDERS_SECRET_KEY",
        "",
        "Signs sessions and form tokens and encrypts the passwords of connections; random per start when empty",
        secret=True,
    )
    rate_limit: str = _env("REMINDERS_RATE_LIMIT", "600/minute", "API calls per key and process")
    senders: int = _env("REMINDERS_SENDERS", 32, "Sender threads per worker")
    twilio_account_sid: str = _env("TWILIO_ACCOUNT_SID", "", "Twilio account; empty: the built-in sandbox")
    twilio_auth_token: str = _env("TWILIO_AUTH_TOKEN", "", "Twilio's secret; also verifies its webhooks", secret=True)
    twilio_from_number: str = _env("TWILIO_FROM_NUMBER", "", "Sender of SMS and calls, E.164")
    twilio_messaging_service_sid: str = _env("TWILIO_MESSAGING_SERVICE_SID", "", "Sender of SMS instead of a number")
    twilio_api_url: str = _env("TWILIO_API_URL", "https://api.twilio.com", "Twilio's REST API, or an emulator of it")
    messages_per_second: Decimal = _env(
        "TWILIO_MESSAGES_PER_SECOND", Decimal(1), "Pacing of SMS per sender over all workers, in segments"
    )
    calls_per_second: Decimal = _env(
        "TWILIO_CALLS_PER_SECOND", Decimal(1), "Pacing of calls per sender over all workers"
    )
    proxy: str = _env("REMINDERS_PROXY", "", "HTTP proxy for requests to Twilio, http://host:port")
    lease_seconds: int = _env(
        "REMINDERS_LEASE_SECONDS",
        60,
        "How long a worker that fell silent keeps what it was sending; renewed while it works",
    )
    grace_seconds: int = _env(
        "REMINDERS_GRACE_SECONDS", 60, "How long an unanswered send rests before the provider is searched for it"
    )
    combine_minutes: int = _env(
        "REMINDERS_COMBINE_MINUTES", 60, "Reminders to one phone due this close together become one message; 0: never"
    )
    private_networks: str = _env(
        "REMINDERS_PRIVATE_NETWORKS",
        "",
        "Networks that calendars and patient systems may be in though they are not public, such as 10.0.0.0/8, "
        "separated by commas",
    )
    daily_cap: int = _env("REMINDERS_DAILY_CAP", 6, "Automatic messages to one recipient within 24 hours; 0: no limit")
    monthly_budget: Decimal = _env(
        "REMINDERS_MONTHLY_BUDGET",
        Decimal(0),
        "Spending of a calendar month, in US dollars, at which only the last "
        "reminder before a visit still goes out; 0: no limit",
    )
    staff_hour_cost: Decimal = _env(
        "REMINDERS_STAFF_HOUR_COST", Decimal(0), "Cost of an hour of desk work, in the currency of the services' values"
    )
    staff_minutes: Decimal = _env(
        "REMINDERS_STAFF_MINUTES", Decimal(3), "Minutes the desk needs for one answer in its inbox, for reports"
    )
    exchange_rates: str = _env(
        "REMINDERS_EXCHANGE_RATES",
        "",
        "What one unit of other currencies is worth in the services' currency, for reports: USD=0.92,GBP=1.15",
    )
    blast_radius: int = _env(
        "REMINDERS_BLAST_RADIUS",
        25,
        "A change that concerns more patients than this is held until somebody releases it",
    )
    undo_minutes: int = _env("REMINDERS_UNDO_MINUTES", 5, "How long a released change of many visits can be undone")
    smtp_url: str = _env(
        "REMINDERS_SMTP_URL",
        "",
        "Mail server, smtp://user:password@host:587 (STARTTLS) or smtps://…; empty: no e-mail",
        secret=True,
    )
    mail_from: str = _env(
        "REMINDERS_MAIL_FROM", "", "Sender of e-mail: an address, or a name and the address in angle brackets"
    )
    mail_unsubscribe: str = _env(
        "REMINDERS_MAIL_UNSUBSCRIBE", "", "mailto: or https: address for the List-Unsubscribe header; empty: none"
    )

    reply_address: str = _env(
        "REMINDERS_REPLY_ADDRESS",
        "",
        "Mailbox that reads answers to invitations, such as visits@clinic.example, which must take visits+anything@ too; "
        "empty: e-mails ask for none",
    )

    @property
    def sandboxed(self) -> bool:
        """True when no Twilio credentials are given and the local emulator stands in."""
        return not self.twilio_account_sid

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def mail_sender(self) -> tuple[str, str]:
        """Name (perhaps empty) and address in ``mail_from``."""
        found = _MAILBOX.fullmatch(self.mail_from.strip())
        return ((found["name"] or "").strip(' "'), found["address"]) if found else ("", "")

    @property
    def reply_mailbox(self) -> tuple[str, str]:
        """The two sides of ``reply_address``, empty without one."""
        local, _, domain = self.reply_address.strip().rpartition("@")
        return local, domain

    @property
    def rates(self) -> tuple[tuple[str, Decimal], ...]:
        """``exchange_rates`` as (currency, rate)."""
        pairs = (part.split("=") for part in self.exchange_rates.replace(" ", "").split(",") if part)
        return tuple((currency, Decimal(rate)) for currency, rate in pairs)


def load(environ: Mapping[str, str] | None = None, defaults: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment; ``ConfigurationError`` names the variable at fault. ``defaults`` stand in for
    variables that are not set."""
    given = os.environ if environ is None else environ
    environ = dict(defaults or {}) | {name: text for name, text in given.items() if text}
    values = {
        f.name: _parse(f.metadata["env"], environ.get(f.metadata["env"], ""), f.default) for f in fields(Settings)
    }
    values["secret_key"] = values["secret_key"] or secrets.token_urlsafe(32)
    values["public_url"] = values["public_url"].rstrip("/")
    values["twilio_api_url"] = values["twilio_api_url"].rstrip("/")
    settings = Settings(**values)
    _check(settings)
    return settings


def export(settings: Settings) -> None:
    """Put every value into the environment, for the server's processes that this one starts."""
    for item in fields(Settings):
        os.environ[item.metadata["env"]] = str(getattr(settings, item.name))


def table() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for documentation and ``check-config``."""
    return [
        (f.metadata["env"], "" if f.default is MISSING else str(f.default), f.metadata["help"])
        for f in fields(Settings)
    ]


def shown(settings: Settings) -> list[tuple[str, str]]:
    """(variable, value) with secrets masked."""
    return [(item.metadata["env"], _masked(item, str(getattr(settings, item.name)))) for item in fields(Settings)]


def _masked(item: Field[Any], value: str) -> str:
    if item.metadata["secret"]:
        return "set" if value else ""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", value)


def data_dir() -> Path:
    """Folder that holds ``locales`` and ``templates``: inside the wheel, or the top of a source checkout."""
    packaged = Path(__file__).parent / "_data"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[1]


def _parse(name: str, text: str, default: Any) -> Any:
    if not text:
        return default
    try:
        return type(default)(text)
    except (ValueError, InvalidOperation) as problem:
        raise ConfigurationError(f"{name} must be a number, not {text!r}.") from problem


def _check_mail(settings: Settings) -> None:
    if settings.smtp_url and not _is_mail_server(settings.smtp_url):
        raise ConfigurationError(
            "REMINDERS_SMTP_URL must look like smtp://user:password@host:587 or smtps://host, with special characters "
            "in name and password percent-encoded."
        )
    if (settings.smtp_url or settings.mail_from) and not settings.mail_sender[1]:
        raise ConfigurationError("REMINDERS_MAIL_FROM must be an address, or Name <address>.")
    if settings.mail_unsubscribe and not re.fullmatch(r"(mailto:|https://)[!-;=?-~]+", settings.mail_unsubscribe):
        raise ConfigurationError("REMINDERS_MAIL_UNSUBSCRIBE must start with mailto: or https://.")
    if settings.reply_address and not re.fullmatch(r"[\w.-]{1,32}@[\w-]+(\.[\w-]+)+", settings.reply_address, re.ASCII):
        raise ConfigurationError("REMINDERS_REPLY_ADDRESS must look like visits@clinic.example, without a +.")


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        secrets_given = unquote(parts.username or ""), unquote(parts.password or "")
        known = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    login = all(secrets_given) == any(secrets_given) and all(re.fullmatch(r"[ -~]*", given) for given in secrets_given)
    return known and login and parts.path in {"", "/"} and not (parts.query or parts.fragment)


def _check_networks(text: str) -> None:
    try:
        for part in filter(None, map(str.strip, text.split(","))):
            ip_network(part)
    except ValueError as problem:
        raise ConfigurationError("REMINDERS_PRIVATE_NETWORKS is a list of networks such as 10.0.0.0/8.") from problem


def _check(settings: Settings) -> None:
    _check_mail(settings)
    _check_networks(settings.private_networks)
    if not re.match(r"(sqlite|postgresql)(\+\w+)?://", settings.database_url):
        raise ConfigurationError("REMINDERS_DATABASE_URL must start with sqlite:// or postgresql://.")
    if not re.match(r"https?://", settings.public_url):
        raise ConfigurationError("REMINDERS_PUBLIC_URL must start with http:// or https://.")
    if settings.twilio_account_sid and not settings.twilio_auth_token:
        raise ConfigurationError("TWILIO_AUTH_TOKEN is missing.")
    if settings.twilio_account_sid and not (settings.twilio_from_number or settings.twilio_messaging_service_sid):
        raise ConfigurationError("Set TWILIO_FROM_NUMBER or TWILIO_MESSAGING_SERVICE_SID.")
    if not 1 <= settings.senders <= 256:
        raise ConfigurationError("REMINDERS_SENDERS must be between 1 and 256.")
    if not (3 <= settings.lease_seconds <= 3600 and 1 <= settings.grace_seconds <= 3600):
        raise ConfigurationError("REMINDERS_LEASE_SECONDS is 3 to 3600, REMINDERS_GRACE_SECONDS 1 to 3600.")
    if not (0 <= settings.combine_minutes <= 1440 and 0 <= settings.daily_cap <= 1000):
        raise ConfigurationError("REMINDERS_COMBINE_MINUTES is 0 to 1440, REMINDERS_DAILY_CAP 0 to 1000.")
    if not (0 <= settings.blast_radius <= 1_000_000 and 0 <= settings.undo_minutes <= 1440):
        raise ConfigurationError("REMINDERS_BLAST_RADIUS is 0 to 1000000, REMINDERS_UNDO_MINUTES 0 to 1440.")
    if not (settings.monthly_budget.is_finite() and settings.monthly_budget >= 0):
        raise ConfigurationError("REMINDERS_MONTHLY_BUDGET must not be negative.")
    if min(settings.staff_hour_cost, settings.staff_minutes) < 0:
        raise ConfigurationError("REMINDERS_STAFF_HOUR_COST and REMINDERS_STAFF_MINUTES must not be negative.")
    if not re.fullmatch(r"( *[A-Z]{3}=\d{1,6}(\.\d{1,8})? *(,|$))*", settings.exchange_rates):
        raise ConfigurationError("REMINDERS_EXCHANGE_RATES looks like USD=0.92,GBP=1.15.")
    paces = (settings.messages_per_second, settings.calls_per_second)
    if not all(pace.is_finite() and pace > 0 for pace in paces):
        raise ConfigurationError("TWILIO_MESSAGES_PER_SECOND and TWILIO_CALLS_PER_SECOND must be above zero.")
