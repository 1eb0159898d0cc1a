"""A virtual environment of its own for every peer, built on first use below the cache folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import servers


def install(name: str, packages: Sequence[str]) -> Path:
    """The Python of the environment ``name`` that holds exactly these ``packages`` (pip requirements)."""
    home = servers.cache_dir() / name
    python, stamp = home / "bin" / "python", home / "installed.txt"
    wanted = "\n".join(packages)
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        done = subprocess.run([*pip, *packages], check=False, capture_output=True, text=True)
        if done.returncode:
            raise servers.ServerError(f"{name} cannot be installed:\n{done.stderr[-2000:]}")
        stamp.write_text(wanted)
    return python
