"""Files from the web, asked for conditionally (RFC 9110 section 13): calendar feeds."""

from __future__ import annotations

import json

from reminders.domain.connector import PeerError
from reminders.domain.ports import Download
from reminders.gateways.outward import Outward

_NAMES = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def download(outward: Outward, url: str, marks: str | None) -> Download | None:
    """The file, or ``None`` when it has not changed; ``webcal:`` means https."""
    known = json.loads(marks) if marks else {}
    headers = {asked: known[name] for name, asked in _NAMES.items() if known.get(name)}
    address = f"https:{url.partition(':')[2]}" if url.lower().startswith(("webcal:", "webcals:")) else url
    reply = outward.request("GET", address, headers={"Accept": "text/calendar, */*;q=0.1", **headers})
    if reply.status == 304:
        return None
    if reply.status != 200:
        raise PeerError(f"The feed cannot be read ({reply.status}).", permanent=reply.status in (403, 404, 410))
    kept = {name: reply.headers[name] for name in _NAMES if name in reply.headers}
    return Download(reply.body, json.dumps(kept))
