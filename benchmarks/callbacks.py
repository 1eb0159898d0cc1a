"""Status callbacks as Twilio makes them: signed form posts over keep-alive connections, for the stand-in of Twilio.

A callback that finds nobody is tried once more, as Twilio does by default; one that is answered with an error is not.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

CONNECTIONS = 8
_AGAIN_AFTER = 1.0
_TIMEOUT = 15.0


class Post(NamedTuple):
    """One form to deliver; ``tries`` counts the attempts already made."""

    url: str
    form: dict[str, str]
    tries: int = 0


def signature(url: str, form: dict[str, str], token: str) -> str:
    """``X-Twilio-Signature``: HMAC-SHA1 over the address and the sorted fields (Twilio, "Webhooks security")."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Caller:
    """Posts forms when their time has come, a few at once, to one plain HTTP address at a time per connection."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._queue: asyncio.Queue[Post] = asyncio.Queue()
        self._counts: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []

    def seen(self) -> dict[str, int]:
        """How many were promised, answered (by status) or given up, and are still to come."""
        ended = sum(count for name, count in self._counts.items() if name != "promised")
        return dict(self._counts) | {"pending": self._counts["promised"] - ended}

    def later(self, after: float, url: str, form: dict[str, str]) -> None:
        """Deliver in ``after`` seconds."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]
        self._counts["promised"] += 1
        asyncio.get_running_loop().call_later(after, self._queue.put_nowait, Post(url, form))

    async def _work(self) -> None:
        line = _Line()
        while True:
            post = await self._queue.get()
            try:
                async with asyncio.timeout(_TIMEOUT):
                    status = await line.post(post.url, self._request(post))
            except (OSError, EOFError, TimeoutError, ValueError):
                line.close()
                self._failed(post)
            else:
                self._counts[str(status)] += 1

    def _failed(self, post: Post) -> None:
        if post.tries:
            self._counts["unreachable"] += 1
            return
        again = post._replace(tries=1)
        asyncio.get_running_loop().call_later(_AGAIN_AFTER, self._queue.put_nowait, again)

    def _request(self, post: Post) -> bytes:
        address, body = urlsplit(post.url), urlencode(post.form)
        return (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\n"
            f"X-Twilio-Signature: {signature(post.url, post.form, self._token)}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


class _Line:
    """A connection that is opened when needed and kept."""

    def __init__(self) -> None:
        self._place = ""
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, url: str, request: bytes) -> int:
        """Status of the answer. Raises what sockets raise. A kept connection that the other side has closed in the
        meantime is no failure: the request goes out once more on a new one."""
        address = urlsplit(url)
        kept = self._writer is not None and self._place == address.netloc
        if not kept:
            await self._open(address.hostname or "", address.port or 80, address.netloc)
        try:
            return await self._exchange(request)
        except (OSError, EOFError):
            if not kept:
                raise
        await self._open(address.hostname or "", address.port or 80, address.netloc)
        return await self._exchange(request)

    async def _open(self, host: str, port: int, place: str) -> None:
        self.close()
        self._reader, self._writer = await asyncio.open_connection(host, port)
        self._place = place

    async def _exchange(self, request: bytes) -> int:
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
        await self._reader.readexactly(int(length or 0))
        return int(head.split(" ", 2)[1])

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
