"""Alembic's entry point: runs on the connection that ``store/schema.py`` opened, never on one of its own."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import text

from reminders.store.tables import Base

_ADVISORY_LOCK = 7_264_533_018  # any number, as long as nobody else uses it in this database


def _render_item(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    if kind == "type" and type(item).__module__ == "reminders.store.tables.base":
        autogen.imports.add("from reminders.store.tables import base as types")
        return f"types.{type(item).__name__}()"
    return False


connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_item=_render_item,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
