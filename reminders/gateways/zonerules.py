"""The time zone database of the system, else of the ``tzdata`` package: whichever ``zoneinfo`` takes (PEP 615)."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from datetime import tzinfo
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_RELEASE = re.compile(r"# version (\S+)")


class SystemZones:
    """Implements ``ZoneRules`` (domain/ports.py). Zones stay as they were when the process first used them, as they do
    wherever else it shows times: new rules hold from the next start."""

    def __init__(self, path: tuple[str, ...] = zoneinfo.TZPATH) -> None:
        self._version = _release([Path(folder) for folder in path])

    @property
    def version(self) -> str:
        return self._version

    def zone(self, name: str) -> tzinfo:
        try:
            return zoneinfo.ZoneInfo(name)
        except (ValueError, OSError) as problem:
            raise LookupError(name) from problem


def _release(folders: Sequence[Path]) -> str:
    """What the first line of ``tzdata.zi`` says, in the first folder that has zones, else in the package."""
    used: Traversable = next(
        (one for one in folders if one.is_dir() and any(one.iterdir())), files("tzdata") / "zoneinfo"
    )
    source = used / "tzdata.zi"
    found = _RELEASE.match(source.read_text("utf-8")) if source.is_file() else None
    return found[1] if found else ""
