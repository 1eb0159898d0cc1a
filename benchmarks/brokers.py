"""The message brokers that job queues want: Redis and RabbitMQ from the operating system, on free local ports.

Nothing is installed here. Where a program is missing, ``Missing`` says which Debian package has it.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks import servers

#: Debian's `rabbitmq-server` on the path changes to another user, who may not see our folders; this is the program.
_RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_START_SECONDS = 60


class Missing(Exception):
    """A program that a peer needs is not on this machine; the message is one line for people."""


def find(program: str, package: str, *places: str) -> str:
    """Path of a program: one of ``places``, else from PATH and /usr/sbin. Raises ``Missing``."""
    searched = f"{os.environ.get('PATH', '')}:/usr/sbin"
    found = next(filter(os.path.exists, places), None) or shutil.which(program, path=searched)
    if found is None:
        raise Missing(f"{program} is not installed (Debian: apt-get install {package})")
    return found


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """URL of a Redis that keeps everything in memory, as a queue's guide starts it; ends with the block."""
    program, port = find("redis-server", "redis-server"), servers.free_port()
    command = [*(program, "--port", str(port), "--bind", "127.0.0.1"), *("--save", "", "--dir", str(folder))]
    with servers.serve(command, port, folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}/0"


def flush(url: str) -> None:
    """Empty a Redis."""
    ask(url, "FLUSHALL")


def used_memory(url: str) -> int:
    """What a Redis holds, in bytes."""
    answer = ask(url, "INFO memory")
    return int(answer.partition("used_memory:")[2].split()[0])


def ask(url: str, command: str) -> str:
    """One inline command of the Redis protocol; the first part of its answer."""
    host, port = url.removeprefix("redis://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(65536).decode()


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """URL of a RabbitMQ with durable queues; ends with the block, together with its port mapper."""
    program, epmd = find("rabbitmq-server", "rabbitmq-server", _RABBITMQ), find("epmd", "erlang-base")
    home = folder / "rabbitmq"
    home.mkdir()
    (home / "plugins").write_text("[].\n")
    port, mapper, between = servers.free_port(), servers.free_port(), servers.free_port()
    environment = {
        "HOME": str(home),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(between),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }
    log = folder / "rabbitmq.log"
    with _mapper(epmd, mapper, log), servers.serve([program], port, log, environment, folder):
        _wait_for("Server startup complete", log)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"


@contextmanager
def _mapper(program: str, port: int, log: Path) -> Iterator[None]:
    """Erlang's port mapper, started before RabbitMQ would start one that outlives it."""
    command = [program, "-port", str(port), "-address", "127.0.0.1"]
    with servers.serve(command, port, log):
        yield


def _wait_for(words: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if words in log.read_text(errors="replace"):
                return
        time.sleep(0.2)
    raise servers.ServerError(f"no {words!r} in the log:\n{servers.tail(log)}")
