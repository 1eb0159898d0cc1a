"""Small things every route needs: JSON out, pages with cursors, ETags, idempotency keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Response, request

from reminders.domain.actor import Once
from reminders.domain.cost import Money
from reminders.errors import Invalid
from reminders.web.context import caller

T = TypeVar("T")
#: Every number we put into a cursor is smaller: row numbers, and microseconds since 1970 before the year 3000.
_LARGEST = 2**55
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, compact and in UTF-8."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers=headers, mimetype="application/json")


def page(
    rows: Sequence[T], limit: int, show: Callable[[T], dict[str, Any]], cursor: Callable[[T], Sequence[int]]
) -> Response:
    """A list: ``rows`` holds one more than ``limit`` when there is a next page."""
    following = encode_cursor(cursor(rows[limit - 1])) if len(rows) > limit else None
    return answer({"items": [show(row) for row in rows[:limit]], "next_cursor": following})


def encode_cursor(numbers: Sequence[int]) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def decode_cursor(text: str | None, length: int) -> list[int] | None:
    """The numbers of a cursor we gave out; ``Invalid`` for anything else."""
    if not text:
        return None
    try:
        numbers = [int(part) for part in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).split(b".")]
    except (ValueError, binascii.Error) as problem:
        raise Invalid("This is not a cursor from a list.", field="cursor") from problem
    if len(numbers) != length or any(abs(number) >= _LARGEST for number in numbers):
        raise Invalid("This is not a cursor from this list.", field="cursor")
    return numbers


def etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def if_match() -> int | None:
    """The version the caller expects, from ``If-Match``; ``None`` when any will do. Proxies that compress may have
    added a suffix or the weak mark; both are forgiven."""
    text = request.headers.get("If-Match", "").strip()
    if text in {"", "*"}:
        return None
    match = re.fullmatch(r'(?:W/)?"(\d{1,15})(?:-\w+)?"', text)
    return int(match[1]) if match else -1


def once() -> Once | None:
    """The promise of an ``Idempotency-Key`` header, bound to caller, address and body."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Invalid("An Idempotency-Key has 1 to 200 visible ASCII characters.", field="Idempotency-Key")
    body = hashlib.sha256(request.method.encode() + request.path.encode() + b"\0" + request.get_data()).hexdigest()
    return Once(caller().key_id, key, body)


def moment(value: datetime | None, zone: ZoneInfo | None = None) -> str | None:
    """ISO 8601 with offset, in the venue's zone when one is given."""
    if value is None:
        return None
    return value.astimezone(zone).isoformat() if zone else value.isoformat()


def money(value: Money | None) -> dict[str, str] | None:
    """Exact, with two decimals at least."""
    if value is None:
        return None
    decimals = max(2, -int(value.amount.normalize().as_tuple().exponent))
    return {"amount": f"{value.amount:.{decimals}f}", "currency": value.currency}
