"""Do the tests of the engine bite? Each mutant breaks one rule of it in a copy of the source; the exhaustive test must notice.

    python -m tests.services.sync.mutants [NAME...]

Prints which mutants were killed and how soon; ends with 1 when one survived.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_TESTS = ("tests/services/sync/test_crashes.py", "tests/services/sync/test_machine.py")
_PULL, _PUSH, _MEET = (f"reminders/services/sync/{name}.py" for name in ("pulling", "pushing", "meeting"))
_RULES = "reminders/domain/sync.py"


@dataclass(frozen=True)
class Mutant:
    """One broken rule: ``old`` becomes ``new`` in ``file``."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant("cursor saved before its page", _PULL,
           "            self._page(page, ends=seen if whole and not page.more else None)\n",
           "            self._save(page.cursor)\n            self._page(page, ends=seen if whole and not page.more else None)\n"),
    Mutant("updates without If-Match", _PUSH, "create, link.etag, link.raw)", "create, self._parts.connector.any_etag, link.raw)"),
    Mutant("base is what is there now, not what was sent", _PUSH,
           "base_local={**link.base_local, **values},",
           "base_local={**link.base_local, **dict(self._replica.read(tx, step.touch.local_id).fields)},"),
    Mutant("one base instead of two", _PUSH, "theirs = {name: stored.get(name, value) for name, value in values.items()}",
           "theirs = dict(values)"),
    Mutant("a full listing does not tell what is gone", _PULL, "gone = [*gone, *(key for key in live if key not in ends)]",
           "gone = [*gone]"),
    Mutant("a deletion there beats an edit here", _MEET, "elif dirty(local.fields, link, self._owners):", "elif False:"),
    Mutant("conflicts are not written down", _RULES,
           "        disputes.append(Dispute(name, before, ours, theirs, winner, Cause.BOTH_CHANGED, attention=not first))\n", ""),
    Mutant("the marker is not looked at", _RULES, "    marked = remote.rev is not None and remote.rev == link.rev\n",
           "    marked = False\n"),
    Mutant("reading back takes what is there for ours", _MEET, "link = replace(landed(link, remote), etag=remote.etag",
           "link = landed(link, remote) if link.pending is None else replace(link, pending=None, "
           "base_local={**link.base_local, **link.pending}, base_remote=dict(remote.fields))\n"
           "        link = replace(link, etag=remote.etag"),
    Mutant("deletes without If-Match", _PUSH, 'link.remote_id or "", link.etag)',
           'link.remote_id or "", self._parts.connector.any_etag_of(link.remote_id))'),
    Mutant("a refused write is dropped", _PUSH, "            if step.look or step.write:\n                self._again(step.touch, step.look)\n",
           "            if step.write:\n                self._book.run(partial(self._clean, touch=step.touch))\n"
           "            if step.look:\n                self._again(step.touch, step.look)\n"),
    Mutant("echoes are told by etag alone", _MEET, "        found = merge(local.fields, remote.fields, link, self._owners, newer",
           "        found = merge(local.fields, remote.fields, replace(link, base_remote={}), self._owners, newer"),
    Mutant("no intent before the write", _PUSH, "        link = self._book.save(tx, link)\n        sent =", "        sent ="),
    Mutant("no guard against resending", _PUSH, "if count > MOST_SENDS:", "if count > 10_000:"),
)  # fmt: skip
#: What the mutants without conditions need from the server in memory: the etag that is current, whatever we saw.
_HELPERS = """
    @property
    def any_etag(self) -> str:
        return next((str(stored.etag) for stored in self.items.values()), "")

    def any_etag_of(self, key: str | None) -> str:
        return str(self.items[key].etag) if key in self.items else ""
"""


def killed(mutant: Mutant) -> bool:
    """True when the tests fail on the mutant."""
    with tempfile.TemporaryDirectory(prefix="reminders-mutant-") as folder:
        copy = Path(folder)
        for name in ("reminders", "tests"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("locales", "templates", "mappings"):
            (copy / name).symlink_to(ROOT / name)
        shutil.copy(ROOT / "pyproject.toml", copy)
        path, model = copy / mutant.file, copy / "tests/services/sync/model.py"
        text = path.read_text("utf-8")
        if mutant.old not in text:
            raise SystemExit(f"{mutant.name}: the source no longer has what it replaces")
        path.write_text(text.replace(mutant.old, mutant.new, 1), "utf-8")
        mark = "    def change(self, remote_id"
        model.write_text(model.read_text("utf-8").replace(mark, f"{_HELPERS.strip(chr(10))}\n\n{mark}", 1), "utf-8")
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *_TESTS]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=900)
        return done.returncode == 1


def main(names: list[str]) -> int:
    survivors = []
    for mutant in MUTANTS:
        if names and not any(name in mutant.name for name in names):
            continue
        began = time.monotonic()
        dead = killed(mutant)
        print(f"{'killed' if dead else 'SURVIVED':9}{time.monotonic() - began:7.1f} s  {mutant.name}", flush=True)
        survivors += [] if dead else [mutant.name]
    print(f"{len(survivors)} survived" if survivors else "all killed")
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
