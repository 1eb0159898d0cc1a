"""What every report has, whatever it is about."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol


class Report(Protocol):
    """Lines for people and programs. Days are those of the visits, both included; ``None`` is no bound."""

    @property
    def first(self) -> date | None: ...

    @property
    def last(self) -> date | None: ...

    @property
    def by(self) -> str:
        """What the lines are about."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, also when there is not a single line."""

    def rows(self) -> list[dict[str, Any]]:
        """The lines, each with all columns."""

    def as_dict(self) -> dict[str, Any]:
        """The whole report for JSON."""
