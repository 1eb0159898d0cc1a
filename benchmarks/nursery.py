"""Processes that start at once: one process imports the program, its children are forked from it ready to run.

Killing a worker every second would otherwise measure little but Python's imports. A child is a process of its own in
every way that matters here: own connections, own memory, ended by ``kill -9`` without a word. Only the nursery itself
signals and reaps its children, so a process id can never mean somebody else's process.

``python -m benchmarks.nursery MODULE:FUNCTION`` imports the module, calls its ``warm`` if it has one, then reads one
JSON command per line and answers each with one line.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.servers import CHECKOUT, ServerError, tail

#: How long children may take to end by themselves.
_PATIENCE = 15.0


class Nursery:
    """The other end of the pipe to a running nursery. ``env`` is what each child finds in its environment."""

    def __init__(self, process: subprocess.Popen[str], env: Mapping[str, str], log: Path) -> None:
        self._process = process
        self._env = dict(env)
        self._log = log

    def start(self, *arguments: str) -> int:
        """Fork a child that runs the function with these arguments; its process id."""
        return int(self._ask({"do": "start", "arguments": arguments, "env": self._env, "log": str(self._log)}))

    def kill(self, pid: int) -> bool:
        """``kill -9``; False when it had ended by itself."""
        return bool(self._ask({"do": "kill", "pid": pid}))

    def freeze(self, pid: int) -> bool:
        """Stop it where it stands, as a machine that swaps or a suspended guest does; False when it had ended."""
        return bool(self._ask({"do": "freeze", "pid": pid}))

    def thaw(self, pid: int) -> bool:
        """Let it go on as if nothing had happened; False when it had ended."""
        return bool(self._ask({"do": "thaw", "pid": pid}))

    def ended(self) -> list[int]:
        """Children that ended by themselves since this was last asked."""
        return [int(pid) for pid in self._ask({"do": "ended"})]

    def stop(self) -> int:
        """Ask all children to end (SIGTERM) and wait; how many had to be killed."""
        return int(self._ask({"do": "stop"}))

    def tail(self) -> str:
        """The end of what the children wrote."""
        return tail(self._log) if self._log.exists() else ""

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise ServerError(f"{self._process.args!r} ended with {self._process.wait()}; see above")
        return json.loads(answer)


@contextmanager
def nursery(entry: str, env: Mapping[str, str], log: Path) -> Iterator[Nursery]:
    """Import ``entry`` (``module:function``) and fork from it until the block ends; no child outlives it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.nursery", entry],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=dict(env), start_new_session=True,
    )  # fmt: skip
    try:
        yield Nursery(process, env, log)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()  # the end of its work: it kills what is left and ends
        try:
            process.wait(_PATIENCE)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class _Children:
    """Inside the nursery."""

    def __init__(self, run: Callable[[Sequence[str]], object]) -> None:
        self._run = run
        self._alive: set[int] = set()

    def start(self, command: Mapping[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            _be(self._run, command)
        self._alive.add(pid)
        return pid

    def kill(self, command: Mapping[str, Any]) -> bool:
        pid = command["pid"]
        if pid not in self._alive:
            return False
        if os.waitpid(pid, os.WNOHANG)[0]:
            self._alive.discard(pid)
            return False
        self._end(pid)
        return True

    def freeze(self, command: Mapping[str, Any]) -> bool:
        return self._signal(command["pid"], signal.SIGSTOP)

    def thaw(self, command: Mapping[str, Any]) -> bool:
        return self._signal(command["pid"], signal.SIGCONT)

    def _signal(self, pid: int, number: int) -> bool:
        """To a child that has not been reaped, so that its id is still its own."""
        if pid in self._alive:
            os.kill(pid, number)
        return pid in self._alive

    def ended(self, _command: Mapping[str, Any] | None = None) -> list[int]:
        gone = [pid for pid in self._alive if os.waitpid(pid, os.WNOHANG)[0]]
        self._alive.difference_update(gone)
        return gone

    def stop(self, _command: Mapping[str, Any] | None = None) -> int:
        for pid in self._alive:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE - 3
        while self._alive and time.monotonic() < deadline:
            self.ended()
            time.sleep(0.05)
        killed = len(self._alive)
        self.clear()
        return killed

    def clear(self) -> None:
        for pid in list(self._alive):
            self._end(pid)

    def _end(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._alive.discard(pid)


def _be(run: Callable[[Sequence[str]], object], command: Mapping[str, Any]) -> NoReturn:
    """The whole life of a child; it must not return into the nursery's own code."""
    status = 1
    try:
        _become(command)
        run(command["arguments"])
        status = 0
    except SystemExit as wish:
        status = 0 if wish.code in (None, 0) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _become(command: Mapping[str, Any]) -> None:
    """In the child: its own environment, session and output; nothing of the nursery's pipes."""
    os.setsid()
    random.seed()  # else all children would draw the same numbers
    os.environ.clear()
    os.environ.update(command["env"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(nothing)
    os.close(log)


def main(arguments: Sequence[str] | None = None) -> int:
    (entry,) = arguments or sys.argv[1:]
    module, _, function = entry.partition(":")
    program = importlib.import_module(module)
    run = getattr(program, function)
    getattr(program, "warm", lambda: None)()
    if len(os.listdir("/proc/self/task")) > 1:
        raise SystemExit(f"{entry} starts threads when imported: it cannot be forked")
    children = _Children(run)
    try:
        for line in sys.stdin:
            command = json.loads(line)
            answer = getattr(children, command["do"])(command)
            print(json.dumps(answer), flush=True)
    finally:
        children.clear()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
