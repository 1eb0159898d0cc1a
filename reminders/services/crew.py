"""Threads that wait for the provider, so that nobody else has to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, Protocol


class Crew(Protocol):
    """Runs work that says itself what became of it."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> Any: ...


class Threads:
    """A fixed number of threads on one queue. ``concurrent.futures`` does the same with a future for each piece of work,
    which costs more than sending to a fast provider does."""

    def __init__(self, size: int, name: str) -> None:
        self._work: SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True) for number in range(size)
        ]
        self._started = False
        self._lock = threading.Lock()

    def submit(self, work: Callable[..., Any], /, *arguments: Any) -> None:
        """Have ``work`` done by the next free thread. It must not raise."""
        if not self._started:
            self._start()
        self._work.put((work, arguments))

    def each(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """``work`` for each of ``items``, several at once; returns when all are done. What one of them raised is raised
        then."""
        done: SimpleQueue[BaseException | None] = SimpleQueue()

        def one(item: Any) -> None:
            try:
                work(item)
            except Exception as problem:  # an edge: it is raised again in the thread that waits
                done.put(problem)
            else:
                done.put(None)

        waiting = list(items)
        for item in waiting:
            self.submit(one, item)
        problems = [problem for problem in [done.get() for _ in waiting] if problem is not None]
        if problems:
            raise problems[0]
        return waiting

    def close(self) -> None:
        """Finish what was submitted, then end the threads."""
        if not self._started:
            return
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        """Not before there is work: a web process never has any."""
        with self._lock:
            if not self._started:
                for thread in self._threads:
                    thread.start()
                self._started = True

    def _serve(self) -> None:
        while (item := self._work.get()) is not None:
            work, arguments = item
            work(*arguments)
