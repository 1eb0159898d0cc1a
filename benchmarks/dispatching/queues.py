"""The job queues that take part: how each is installed, asked to plan reminders, and started."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from benchmarks import environments, servers
from benchmarks.dispatching import processes
from benchmarks.dispatching.processes import Process
from benchmarks.dispatching.services import Services

PROJECTS = servers.BENCHMARKS / "peers"
_DRIVER = "psycopg[binary,pool]==3.3.9"
_TWILIO = f"twilio=={version('twilio')}"
PACKAGES = {
    "celery": ("celery[redis]==5.7.0", _TWILIO),
    "dramatiq": ("dramatiq[redis]==2.2.1", _TWILIO),
    "procrastinate": ("procrastinate==3.10.0", _DRIVER, _TWILIO),
    "apscheduler": ("APScheduler==3.11.3", "SQLAlchemy==2.1.9", _DRIVER, _TWILIO),
}
PEERS = tuple(PACKAGES)
_START_SECONDS = 60
_numbers = itertools.count(1)


class TooSlow(servers.ServerError):
    """The reminders fell due before all were planned and the worker was up."""


@dataclass(frozen=True)
class Queue:
    """One way to run one peer. ``service`` is what keeps its jobs: redis, rabbitmq, postgresql, or database (of the
    kind the product uses). ``worker`` follows ``python -m``."""

    name: str
    peer: str
    service: str
    worker: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def module(self) -> str:
        return f"queues.{self.peer}_jobs"

    def install(self) -> Path:
        """Its Python."""
        packages = PACKAGES[self.peer]
        return environments.install(packages[0].replace("==", "-").replace("[redis]", ""), packages)


def _celery(name: str, service: str, *options: str) -> Queue:
    worker = ("celery", "-A", "queues.celery_jobs", "worker", "--loglevel", "ERROR", *options)
    return Queue(name, "celery", service, worker)


def _apscheduler(name: str, threads: int, grace: str) -> Queue:
    settings = {"BENCH_THREADS": str(threads), "BENCH_GRACE": grace}
    return Queue(name, "apscheduler", "database", ("queues.apscheduler_jobs", "worker"), settings)


def _dramatiq(name: str, *options: str) -> Queue:
    return Queue(name, "dramatiq", "redis", ("dramatiq", "queues.dramatiq_jobs", *options))


_THREADS = ("--pool", "threads", "--concurrency", "64")
CELERY_DEFAULT = _celery("Celery default, Redis", "redis")
CELERY_REDIS = _celery("Celery 64 threads, Redis", "redis", *_THREADS)
CELERY_RABBITMQ = _celery("Celery 64 threads, RabbitMQ", "rabbitmq", *_THREADS)
DRAMATIQ = _dramatiq("dramatiq 64 threads", "--processes", "1", "--threads", "64")
DRAMATIQ_DEFAULT = _dramatiq("dramatiq default")
PROCRASTINATE = Queue(
    "procrastinate 64", "procrastinate", "postgresql", ("queues.procrastinate_jobs", "worker"), {"BENCH_THREADS": "64"}
)
APSCHEDULER = _apscheduler("APScheduler, no misfire", 10, "none")
APSCHEDULER_64 = _apscheduler("APScheduler 64 threads, no misfire", 64, "none")
APSCHEDULER_DEFAULT = _apscheduler("APScheduler default", 10, "1")


@dataclass(frozen=True)
class Plan:
    """What is asked for: ``first_due`` is Unix time, None for at once; each further one is ``step`` seconds later."""

    count: int
    first_due: float | None = None
    step: float = 0.0


@dataclass(frozen=True)
class Desk:
    """A queue with an empty store of its own, ready to be asked."""

    queue: Queue
    url: str
    python: Path
    folder: Path
    environment: Mapping[str, str]

    def plan(self, wanted: Plan) -> float:
        """Plan reminders; how many seconds the peer says it took."""
        verb = () if self.queue.peer in {"celery", "dramatiq"} else ("plan",)
        given = json.dumps({"count": wanted.count, "first_due": wanted.first_due, "step": wanted.step})
        return float(json.loads(self._run(given, *verb))["seconds"])

    def prepare(self) -> None:
        """Tables, where it needs some made."""
        if self.queue.peer == "procrastinate":
            self._run("", "prepare")

    @contextmanager
    def working_before(self, wanted: Plan, lead: float) -> Iterator[tuple[Process, float]]:
        """(its worker, the due time of the first) with everything planned before it falls due, ``lead`` seconds from now.
        For planning again with more time on a slow machine, use an empty store: raises ``TooSlow``."""
        due = time.time() + lead
        self.plan(replace(wanted, first_due=due))
        with self.working() as process:
            if time.time() > due:
                raise TooSlow(f"{self.queue.name} was not ready within {lead:.0f} s")
            yield process, due

    def ticks(self) -> int:
        """How many jobs that only count have run."""
        path = Path(self.environment["BENCH_TICKS"])
        return path.stat().st_size if path.exists() else 0

    @contextmanager
    def working(self) -> Iterator[Process]:
        """Its worker, ready, until the block ends."""
        ready = Path(self.environment["BENCH_READY"])
        ready.unlink(missing_ok=True)
        command = [str(self.python), "-m", *self.queue.worker]
        with processes.running(command, self.environment, self.folder / "peer.log", PROJECTS) as process:
            deadline = time.monotonic() + _START_SECONDS
            while not ready.exists():
                process.check()
                if time.monotonic() > deadline:
                    raise servers.ServerError(f"{self.queue.name} does not get ready")
                time.sleep(0.05)
            yield process

    def _run(self, given: str, *verb: str) -> str:
        command = [str(self.python), "-m", self.queue.module, *verb]
        done = subprocess.run(
            command, input=given, env=dict(self.environment), cwd=PROJECTS, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise servers.ServerError(f"{self.queue.name}: {' '.join(verb)} failed:\n{done.stderr[-3000:]}")
        return done.stdout.splitlines()[-1] if done.stdout.strip() else "{}"


def open_desk(queue: Queue, services: Services, folder: Path, job: str, stub: str = "") -> Desk:
    """Install the peer and give it an empty store. ``job`` is sdk, bare or tick, see ``peers/queues/work.py``. Raises
    ``brokers.Missing`` when its broker cannot be had."""
    number = next(_numbers)
    url, python = services.fresh(queue.service), queue.install()
    own = folder / f"peer{number}"
    own.mkdir()
    environment = processes.clean_environment() | {
        "PYTHONPATH": str(PROJECTS), "PYTHONDONTWRITEBYTECODE": "1", "BENCH_URL": url, "BENCH_JOB": job,
        "BENCH_STUB": stub, "BENCH_QUEUE": f"reminders{number}", "BENCH_TICKS": str(own / "ticks"),
        "BENCH_READY": str(own / "ready"), **queue.settings,
    }  # fmt: skip
    made = Desk(queue, url, python, own, environment)
    made.prepare()
    return made


def chosen(queues: Sequence[Queue], peers: Sequence[str]) -> list[Queue]:
    """Those of the peers that were asked for."""
    return [queue for queue in queues if queue.peer in peers]
