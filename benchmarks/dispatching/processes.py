"""A process that works in the background and may be killed at any moment, and what it costs while it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks import servers

_END_SECONDS = 15
#: A process rests when it takes less of a processor than this; how long it may need to come to that.
_RESTING, _SETTLE_SECONDS = 0.05, 60


class Process:
    """One started program with its children, in a session of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path) -> None:
        self._log = log
        self._ended = False
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, cwd=cwd,
                env=dict(environment), start_new_session=True,
            )  # fmt: skip

    def check(self) -> None:
        """Raises ``ServerError`` with the end of its log when it is no longer there."""
        if self._process.poll() is not None:
            raise servers.ServerError(f"{self._process.args!r} ended:\n{servers.tail(self._log)}")

    def stop(self) -> None:
        """Ask it to end, as an operator would, and make sure."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """``kill -9``, the children too. Once: afterwards its number may be somebody else's."""
        if self._ended:
            return
        self._ended = True
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def resident_mb(self) -> float:
        """Memory in RAM of it and its children, in megabytes."""
        return float(sum(one.memory_info().rss for one in self._family())) / 1e6

    def cpu_seconds(self) -> float:
        """Processor time so far, of it and its children."""
        times = [one.cpu_times() for one in self._family()]
        return float(sum(one.user + one.system for one in times))

    def _family(self) -> list[psutil.Process]:
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, cwd: Path = servers.CHECKOUT
) -> Iterator[Process]:
    """Run it until the block ends; then it is killed, for everything worth keeping has been seen."""
    process = Process(command, environment, log, cwd)
    try:
        yield process
    finally:
        process.kill()


def settled(process: Process) -> float:
    """Wait until a process that was just started has done what it does once; returns its processor time so far."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while idle_cost(process, 1)[1] > _RESTING and time.monotonic() < deadline:
        pass
    return process.cpu_seconds()


def idle_cost(process: Process, seconds: float) -> tuple[float, float]:
    """(megabytes, share of one processor) while there is nothing to do."""
    before = process.cpu_seconds()
    time.sleep(seconds)
    process.check()
    return process.resident_mb(), (process.cpu_seconds() - before) / seconds


def clean_environment() -> dict[str, str]:
    """Ours without what would configure the product or a peer from outside."""
    prefixes = ("REMINDERS_", "TWILIO_", "BENCH_", "RABBITMQ_", "CELERY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
