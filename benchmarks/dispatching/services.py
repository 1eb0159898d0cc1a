"""The stores that job queues keep their jobs in: started when first wanted, empty for every measurement."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import brokers, servers
from benchmarks.brokers import Missing


class Services:
    """``kind`` is the product's kind of database, for peers that would use the same."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack) -> None:
        self._kind, self._folder, self._stack = kind, folder, stack
        self._numbers = itertools.count(1)
        self._brokers: dict[str, str] = {}
        self._missing: dict[str, Missing] = {}
        self._postgresql: Any = None

    def fresh(self, service: str) -> str:
        """URL of an empty store. RabbitMQ is shared; there a queue with a new name is empty. Raises ``Missing``."""
        if service == "redis":
            url = self._broker("redis")
            brokers.flush(url)
            return url
        if service == "rabbitmq":
            return self._broker("rabbitmq")
        if service == "database" and self._kind == "sqlite":
            return f"sqlite:///{self._folder}/peer{next(self._numbers)}.db"
        return self.database("peer", driver="psycopg" if service == "database" else None)

    def database(self, name: str, driver: str | None = "psycopg") -> str:
        """URL of an empty PostgreSQL database."""
        if self._postgresql is None:
            self._postgresql = self._stack.enter_context(servers.postgresql())
        return servers.create_database(self._postgresql, f"{name}{next(self._numbers)}", driver)

    def product(self, name: str) -> str:
        """URL of an empty database of the product's kind."""
        if self._kind == "sqlite":
            return f"sqlite:///{self._folder}/{name}{next(self._numbers)}.db"
        return self.database(name)

    def _broker(self, name: str) -> str:
        if name in self._missing:
            raise self._missing[name]
        if name not in self._brokers:
            start = {"redis": brokers.redis, "rabbitmq": brokers.rabbitmq}[name]
            try:
                self._brokers[name] = self._stack.enter_context(start(self._folder))
            except Missing as problem:
                self._missing[name] = problem
                raise
        return self._brokers[name]
