"""How well answers are read: a list of yes and no words by language, and what reading them costs.

``python -m benchmarks.replies [FILE.csv]``; the file has the columns ``lang,intent,text`` with the intents ``confirm`` and
``deny``, and ``confirm?`` and ``deny?`` for words that answer other questions too (not counted, only that none is taken
for its opposite). Without a file it takes ``../shared/data/replies/replies.csv``. "Right" is strict: a no that we would
ask about before cancelling is not in it, but in "right or asked". Ends with exit code 1 when a yes is read as a no or
the reverse. ``tests/domain/replies_held_out.csv`` has answers that no word list was written for.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from benchmarks.report import terminal
from reminders.domain.reply import Intent, read
from reminders.settings import data_dir
from reminders.texts import Texts
from reminders.texts.lexicons import Lexicons

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "replies" / "replies.csv"
WANTED = {"confirm": Intent.CONFIRM, "deny": Intent.CANCEL}
SAME = {"tl": "fil", "cmn": "zh_Hans", "yue": "zh_Hant"}
RIGHT, ASKED, DESK, WRONG = "right", "asked first", "to the desk", "WRONG WAY"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    lexicons = Lexicons(data_dir())
    rows = list(_rows(parser.parse_args(arguments).file, Texts(data_dir()), lexicons))
    counts: dict[str, Counter[str]] = {}
    for language, intent, text in rows:
        outcome = judge(lexicons, language, WANTED[intent.rstrip("?")], text)
        if intent in WANTED:
            counts.setdefault(language, Counter())[outcome] += 1
        elif outcome == WRONG:
            counts.setdefault(language, Counter())["(WRONG)"] += 1
    _accuracy(counts)
    _costs(sorted(counts))
    return 1 if any(count[WRONG] for count in counts.values()) else 0


def judge(lexicons: Lexicons, language: str, wanted: Intent, text: str) -> str:
    """What became of one answer: read as it was meant, a question back before anything is lost, left to a person, or
    taken for its opposite."""
    got = read(text, lexicons.of(language), lexicons.of("en"), others=lexicons.keywords()).intent
    if got is wanted:
        return RIGHT
    if got is Intent.PERHAPS_CANCEL:
        return ASKED if wanted is Intent.CANCEL else WRONG
    return WRONG if got in WANTED.values() else DESK


def _rows(file: Path, texts: Texts, lexicons: Lexicons) -> Iterator[tuple[str, str, str]]:
    """The rows in languages that we have, one for each spelling of ``ja(wel|hoor)``."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            tag = row["lang"]
            language = SAME.get(tag) or texts.negotiate(tag, None)[0]
            ours = tag in SAME or not texts.negotiate(tag, None)[1]
            if ours and language in lexicons.languages and row["intent"].rstrip("?") in WANTED:
                yield from ((language, row["intent"], text) for text in spellings(row["text"]))


def spellings(text: str) -> list[str]:
    found = re.search(r"\(([^()]*\|[^()]*)\)", text)
    if not found:
        return [text]
    before, after = text[: found.start()], text[found.end() :]
    return [whole for choice in found[1].split("|") for whole in spellings(before + choice + after)]


def _accuracy(counts: dict[str, Counter[str]]) -> None:
    table = []
    for name, count in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        total = sum(count[outcome] for outcome in (RIGHT, ASKED, DESK, WRONG))
        shares = [f"{part / total:.1%}" if total else "-" for part in (count[RIGHT], count[RIGHT] + count[ASKED])]
        table.append([name, total, *(count[outcome] for outcome in (RIGHT, ASKED, DESK, WRONG)), *shares])
    columns = ["language", "rows", RIGHT, ASKED, DESK, WRONG, "right, strictly", "right or asked"]
    _print("Yes and no words read", columns, table)


def _costs(languages: Sequence[str]) -> None:
    """A fresh process reads a list when somebody first answers in that language. Timed first, then measured again with
    memory traced, which slows it down several times."""
    names = ["stop, start and help of all", *languages]
    seconds = [_seconds(use) for use in _uses(languages)]
    tracemalloc.start()
    sizes = [_bytes(use) for use in _uses(languages)]
    tracemalloc.stop()
    rows = [[n, f"{s * 1000:.0f} ms", f"{b / 1e6:.2f} MB"] for n, s, b in zip(names, seconds, sizes, strict=True)]
    _print("First use, and what stays in memory", ["word list", "first use", "memory"], rows)


def _uses(languages: Sequence[str]) -> list[Callable[[], object]]:
    lexicons = Lexicons(data_dir())
    return [lexicons.keywords, *(partial(lexicons.of, name) for name in languages)]


def _seconds(use: Callable[[], object]) -> float:
    started = time.perf_counter()
    use()
    return time.perf_counter() - started


def _bytes(use: Callable[[], object]) -> int:
    before = tracemalloc.get_traced_memory()[0]
    use()
    return tracemalloc.get_traced_memory()[0] - before


def _print(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*map(str, row))
    terminal().print(table)


if __name__ == "__main__":
    sys.exit(main())
