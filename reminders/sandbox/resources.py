"""Records as the JSON of Twilio's REST API, version 2010-04-01."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from reminders.sandbox.account import Account
from reminders.sandbox.callbacks import API_VERSION
from reminders.sandbox.listing import Page, PageRequest, Record
from reminders.sandbox.rates import CURRENCY
from reminders.sandbox.records import SandboxCall, SandboxMessage
from reminders.sandbox.refusals import DELIVERY_ERRORS

Json = dict[str, Any]


def message_json(account: Account, message: SandboxMessage) -> Json:
    """A Message resource. ``price`` stays null until it is known, and is negative because it leaves the account."""
    path = f"{account_path(account)}/Messages/{message.sid}"
    return {
        "sid": message.sid,
        "account_sid": account.sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _date(message.created_at),
        "date_sent": _date(message.sent_at),
        "date_updated": _date(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": DELIVERY_ERRORS.get(message.error_code or 0),
        "from": message.from_,
        "messaging_service_sid": message.messaging_service_sid,
        "num_media": "0",
        "num_segments": str(message.segments),
        "price": _price(message.price),
        "price_unit": CURRENCY,
        "status": message.status.value,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": message.to,
        "uri": f"{path}.json",
    }


def call_json(account: Account, call: SandboxCall) -> Json:
    """A Call resource."""
    path = f"{account_path(account)}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "account_sid": account.sid,
        "answered_by": call.answered_by,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": _date(call.created_at),
        "date_updated": _date(call.updated_at),
        "direction": "outbound-dial" if call.parent else "outbound-api",
        "duration": None if call.duration is None else str(call.duration),
        "end_time": _date(call.ended_at),
        "forwarded_from": None,
        "from": call.from_,
        "from_formatted": call.from_,
        "group_sid": None,
        "parent_call_sid": call.parent,
        "phone_number_sid": None,
        "price": _price(call.price),
        "price_unit": CURRENCY,
        "queue_time": "0",
        "start_time": _date(call.started_at),
        "status": call.status.value,
        "subresource_uris": {"recordings": f"{path}/Recordings.json"},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{path}.json",
    }


def account_json(account: Account, *, suspended: bool = False) -> Json:
    """The Account resource."""
    path = account_path(account)
    return {
        "sid": account.sid,
        "auth_token": account.auth_token,
        "date_created": _date(account.created_at),
        "date_updated": _date(account.created_at),
        "friendly_name": "Sandbox",
        "owner_account_sid": account.sid,
        "status": "suspended" if suspended else "active",
        "subresource_uris": {"messages": f"{path}/Messages.json", "calls": f"{path}/Calls.json"},
        "type": "Full",
        "uri": f"{path}.json",
    }


def list_json(
    path: str, key: str, items: list[Json], wanted: PageRequest, page: Page[Record], query: dict[str, str]
) -> Json:
    """One page of a list at ``path``; ``query`` holds the filters, which every page address repeats."""

    def uri(number: int, token: str | None = "") -> str | None:
        if token is None:
            return None
        parts = {**query, "PageSize": str(wanted.size), "Page": str(max(0, number))}
        return f"{path}?{urlencode({**parts, 'PageToken': token} if token else parts)}"

    start = wanted.number * wanted.size
    return {
        key: items,
        "uri": uri(wanted.number, wanted.token),
        "first_page_uri": uri(0),
        "next_page_uri": uri(wanted.number + 1, page.next_token),
        "previous_page_uri": uri(wanted.number - 1, page.previous_token),
        "page": wanted.number,
        "page_size": wanted.size,
        "start": start,
        "end": start + max(len(items) - 1, 0),
    }


def account_path(account: Account) -> str:
    """Address of the account, relative to the API's host as Twilio writes it."""
    return f"/{API_VERSION}/Accounts/{account.sid}"


def _date(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None


def _price(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{-amount:.5f}"
