"""Runs ``drain`` and ``rawclaims`` in processes of their own and reads what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import servers
from benchmarks.dispatching import processes
from benchmarks.dispatching.clinic import Clinic
from benchmarks.dispatching.worker import UNPACED
from benchmarks.loadgen import Result
from benchmarks.stubdesk import ACCOUNT, SENDER, TOKEN

_NO_PROVIDER = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM_NUMBER": SENDER}


@dataclass(frozen=True)
class Seen:
    """``marks``: seconds from the beginning to every thousandth. ``planning``: seconds of calculation before it; ``cpu``:
    processor time of the process."""

    count: int
    seconds: float
    marks: list[float]
    planning: float = 0.0
    cpu: float = 0.0

    @property
    def result(self) -> Result:
        return Result(self.seconds, self.count, cpu_seconds=self.cpu)

    def rate_between(self, first: int, last: int, every: int = 1000) -> float:
        """Per second, from the ``first`` to the ``last``."""
        at = [0.0, *self.marks]
        return (last - first) / (at[last // every] - at[first // every])


def drain(clinic: Clinic, verb: str, count: int, senders: int = 64) -> Seen:
    """``verb`` is dispatch, claim or plan."""
    chosen = {"REMINDERS_DATABASE_URL": clinic.url, "REMINDERS_SENDERS": str(senders)}
    return _run(["benchmarks.dispatching.drain", verb, str(count)], chosen | UNPACED | _NO_PROVIDER)


def raw(url: str, pending: int, count: int, verb: str) -> Seen:
    """``url`` as SQLAlchemy writes it; ``verb`` is claim or cycle."""
    plain = url.replace("postgresql+psycopg:", "postgresql:", 1)
    return _run(["benchmarks.dispatching.rawclaims", plain, str(pending), str(count), verb], {})


def _run(command: list[str], environment: Mapping[str, str]) -> Seen:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=servers.CHECKOUT, env=processes.clean_environment() | dict(environment),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise servers.ServerError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Seen(**answer)
