"""Reading foreign CSV files of any size in constant memory, writing down what could not be read, and writing tables.

A quote that is opened and never closed must not swallow the rows behind it: a record that does not end properly within
a few lines is given up, its first line is read on its own, and reading goes on with the next line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, NamedTuple, Self

from reminders.domain.faults import Fault
from reminders.domain.mapping import FileFormat
from reminders.errors import Invalid

_LONGEST_LINE = 1 << 20  # characters
_MOST_LINES = 64  # lines of one record; cells with more line breaks than that are not data
_SHOWN_LINE = 10_000
_NUMBER = re.compile(r"-?\d+(\.\d+)?|\+\d+", re.ASCII)  # a phone number, too
_GZIP = b"\x1f\x8b"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError)


def inert(value: Any) -> Any:
    """``value`` as a cell of a CSV file: spreadsheets take a text that begins like this for a formula (OWASP, CSV
    injection). Numbers stay numbers, also those of phones."""
    is_formula = isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}
    return f"'{value}" if is_formula and not _NUMBER.fullmatch(value) else value


def write_table(file: IO[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """``columns`` of ``rows`` under one header line (RFC 4180); what is unknown is left empty."""
    writer = csv.DictWriter(file, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({key: inert(value) for key, value in row.items()} for row in rows)


class FileUnreadable(Invalid):
    """A file cannot be opened, is damaged, or must not be overwritten."""

    code = "file_unreadable"
    sentence = "The file cannot be read."


class Record(NamedTuple):
    """One row: the number of its first line, its cells (``None``: not readable as a row) and its lines as they are."""

    line: int
    cells: list[str] | None
    lines: list[str]

    @property
    def raw(self) -> str:
        """The text of the row without its last line break, cut where it is absurdly long."""
        return "".join(self.lines).rstrip("\r\n")[:_SHOWN_LINE]


@contextmanager
def open_csv(path: Path, form: FileFormat) -> Iterator[CsvFile]:
    """A CSV file, plain or gzip (told by its first bytes, not by its name). A byte order mark beats the encoding."""
    try:
        file = path.open("rb")
    except OSError as problem:
        raise FileUnreadable(f"{path} cannot be read: {problem.strerror}.") from problem
    with file:
        try:
            text = _decoded(file, form.encoding)
        except _DAMAGED as problem:
            raise FileUnreadable(f"{path} cannot be read: {problem}.") from problem
        with text:
            yield CsvFile(path, file, text, form)


class CsvFile:
    """The rows of one open file. ``size`` and ``position`` count bytes of the file, compressed if it is."""

    def __init__(self, path: Path, file: BinaryIO, text: IO[str], form: FileFormat) -> None:
        self.path = path
        self.size = path.stat().st_size
        self._file = file
        self._form = form
        self._feed = _Feed(text)
        self.header = self._header()

    @property
    def position(self) -> int:
        return self._file.tell()

    def records(self) -> Iterator[Record]:
        """Every row after the header; lines with nothing on them are not rows."""
        reader = csv.reader(self._feed, delimiter=self._form.delimiter, quotechar=self._form.quote, strict=True)
        try:
            while True:
                self._feed.open_row()
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except (csv.Error, _Runaway):
                    yield self._given_up()
                    continue
                if len(cells) > 1 or "".join(cells).strip():
                    yield Record(self._feed.first, cells, self._feed.taken)
        except _DAMAGED as problem:
            raise FileUnreadable(
                f"{self.path} is damaged after line {self._feed.line}: {problem}. The rows before are in the database; "
                "get a whole copy and run again."
            ) from problem

    def _given_up(self) -> Record:
        """The first line of a record that has no proper end, read leniently; the lines behind it are read again."""
        line = self._feed.keep_first()
        reader = csv.reader([line], delimiter=self._form.delimiter, quotechar=self._form.quote)
        try:
            cells = next(reader, None) if len(line) < _LONGEST_LINE else None
        except csv.Error:
            cells = None
        return Record(self._feed.first, cells, self._feed.taken)

    def _header(self) -> list[str]:
        first = next(self.records(), None)
        if first is None or first.cells is None:
            raise FileUnreadable(f"{self.path} holds no rows.")
        if self._form.header:
            return first.cells
        self._feed.push_back()
        return [str(number) for number in range(1, len(first.cells) + 1)]


class Rejects:
    """The file of rows that were not taken: line, column, code, reason and the raw text.

    Only an earlier rejects file is ever overwritten. It holds patients' data, so only its owner may read it. When
    every row was taken there is no such file in the end.
    """

    COLUMNS = ("line", "column", "code", "reason", "raw")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        try:
            self._refuse_foreign()
            path.touch(mode=0o600)
            self._file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as problem:
            raise FileUnreadable(f"The rejects file {path} cannot be written: {problem.strerror}.") from problem
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self.COLUMNS)
        self._file.flush()  # so that the next run knows the file as its own even if this one is killed

    def write(self, record: Record, fault: Fault) -> None:
        self.count += 1
        self._writer.writerow((record.line, fault.column, fault.code.value, fault.sentence, record.raw))

    def _refuse_foreign(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as old:
            start = old.read(200)
            if start and not start.startswith(",".join(self.COLUMNS).encode()):
                raise FileUnreadable(f"{self.path} is not an earlier rejects file and is not overwritten.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self.count == 0:
            self.path.unlink()


class _Runaway(Exception):
    """A record has more lines, or a line more characters, than data has."""


class _Feed:
    """The lines of a file, with the memory of those the present record took, so that they can be given back."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._waiting: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 0
        self.first = 1

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._text.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.line += 1
        if len(line) == _LONGEST_LINE and line[-1] not in "\r\n":
            self.taken.append(line[:-1])  # shorter than the limit, so that it is not taken for cut off once more
            self._skip_rest()
        self.taken.append(line)
        if len(self.taken) > _MOST_LINES:
            raise _Runaway
        return line

    def open_row(self) -> None:
        self.taken = []
        self.first = self.line + 1

    def keep_first(self) -> str:
        """Give everything but the first line of the present record back; returns that line."""
        self._waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]
        self.line = self.first
        return self.taken[0]

    def push_back(self) -> None:
        """Give the whole present record back."""
        self._waiting.extendleft(reversed(self.taken))
        self.taken = []
        self.line = self.first - 1

    def _skip_rest(self) -> None:
        while len(rest := self._text.readline(_LONGEST_LINE)) == _LONGEST_LINE and rest[-1] not in "\r\n":
            pass
        raise _Runaway


def _decoded(file: io.BufferedReader, encoding: str) -> io.TextIOWrapper:
    packed = file.peek(2).startswith(_GZIP)
    plain = gzip.GzipFile(fileobj=file) if packed else file
    start = plain.peek(3)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), encoding)
    return io.TextIOWrapper(plain, encoding=encoding, errors="surrogateescape", newline="")
