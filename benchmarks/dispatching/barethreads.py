"""Threads that send as fast as http.client can: the limit for a Python process that sends over HTTP.

``python -m benchmarks.dispatching.barethreads URL CERTIFICATE THREADS COUNT`` prints {"seconds"}.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

from benchmarks.stubdesk import ACCOUNT, SENDER

_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic bWVhc3VyZW1lbnRz"}


class Sender:
    """A connection per thread, kept open."""

    def __init__(self, url: str, trust: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port
        self._tls = ssl.create_default_context(cafile=trust) if address.scheme == "https" else None
        self._mine = threading.local()

    def send(self, number: int) -> None:
        connection = self._connection()
        form = urlencode({"To": f"+999{number:010d}", "From": SENDER, "Body": f"Your visit, patient {number}"})
        connection.request("POST", _PATH, form, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise SystemExit(f"answered {answer.status}")

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = (
                http.client.HTTPSConnection(self._host, self._port, context=self._tls)
                if self._tls
                else http.client.HTTPConnection(self._host, self._port)
            )
        return self._mine.connection  # type: ignore[no-any-return]


def main(arguments: Sequence[str] | None = None) -> int:
    url, trust, threads, count = arguments or sys.argv[1:]
    sender = Sender(url, trust)
    with ThreadPoolExecutor(int(threads)) as pool:
        began = time.perf_counter()
        list(pool.map(sender.send, range(int(count))))
        print(json.dumps({"seconds": time.perf_counter() - began}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
