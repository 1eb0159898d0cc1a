"""What an answer chooses from a numbered list: by a number, "the second", "both", a name on the list, a day, an hour, or
the whole line as it was sent.

All that is said must fit the same lines. One word too many, a question, a "but" or an "or", and nothing is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reminders.domain.folding import BREAK, tokens
from reminders.domain.hours import without_hours
from reminders.domain.lexicon import Lexicon, Role
from reminders.domain.reading import DAYS, days_of
from reminders.domain.scanning import IGNORABLE, Scan, scan, words_of

_MOST = 160  # characters; a longer answer tells a story
_ORDINALS = {Role.FIRST: 1, Role.SECOND: 2, Role.THIRD: 3}
_HARMLESS = IGNORABLE - {Role.QUESTION} | {Role.THANKS, Role.ALL, Role.BOTH, Role.LAST, *_ORDINALS}

#: "1-3" may be two numbers or three.
_RANGE = re.compile(r"\d\s*[-–—/~]\s*\d")
_PLUS = re.compile(r"(?<=\d)\s*\+\s*(?=\d)")
_NUMBERED = re.compile(r"^(\d) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: its time at the venue, and the names it goes by."""

    start: datetime
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """What was offered under the numbers from 1. ``today`` is at the venue. ``several``: more than one may be chosen, and
    the number after the last is all of them. ``wish``: what the choice is for; its word may stand beside it. ``sent``: the
    text that offered them, where it is at hand; whoever copies a line of it chooses that line."""

    lines: Sequence[Line]
    today: date
    several: bool
    wish: Role
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """``numbers`` of lines; (0,) is none of them, and a number that is not on the list stands alone. ``days``: the days
    that were named where they did not decide. ``unsaid``: it chooses, but not which: "both" of three."""

    numbers: tuple[int, ...] = ()
    days: frozenset[Role] = frozenset()
    unsaid: bool = False


NOTHING = Chosen()


def choose(text: str, listed: Listed, *lexicons: Lexicon) -> Chosen:
    """What ``text`` chooses; nothing where it says anything else besides. Never raises."""
    if len(text) > _MOST or _RANGE.search(text):
        return NOTHING
    own, last = lexicons[0], len(listed.lines)
    sent = {int(number): _bare_words(line, own) for number, line in _NUMBERED.findall(listed.sent)}
    bare = _bare_words(text, own)
    if bare in ([*number, *sent[0]] for number in ([], ["0"]) if 0 in sent):
        return Chosen((0,))
    words, named = _without_copies(bare, {number: run for number, run in sent.items() if 1 <= number <= last})
    timeless, hours = ("", ()) if named else without_hours(text)
    if not named:
        words = words_of(own.respelled(_PLUS.sub(" ", timeless)))
    words, people = _without_names(words, listed, lexicons)
    named += people
    found = scan(words, lexicons)
    if found.unknown or not found.roles.keys() <= _HARMLESS | {listed.wish}:
        return NOTHING
    hours = (*hours, *found.hours)
    fits = [
        number for number, line in enumerate(listed.lines, 1)
        if _is_on(line, found, listed.today) and all(hour.is_of(line.start) for hour in hours)
    ]  # fmt: skip
    numbers = _numbers(found, listed, fits)
    if numbers is None:
        return NOTHING
    picked = _picked(numbers, named, fits, listed, asked=bool(hours or found.roles.keys() & DAYS))
    if picked or numbers or named:
        return Chosen(picked)
    return Chosen((), frozenset(found.roles) & DAYS, unsaid=listed.several and Role.BOTH in found.roles)


def _numbers(found: Scan, listed: Listed, fits: Sequence[int]) -> set[int] | None:
    """The numbers that were said, "both" among them; ``None`` when they contradict each other. "Thursday 9" names a day."""
    last = len(listed.lines)
    said = {int(number) for number in found.numbers if len(number) <= 2}
    if len(said) != len(set(found.numbers)):
        return None
    said |= {number for role, number in _ORDINALS.items() if role in found.roles}
    said |= {last} if Role.LAST in found.roles else set()
    if found.roles.keys() & DAYS:
        said -= {listed.lines[number - 1].start.day for number in fits} - set(range(last + 2))
    every = set(range(1, last + 1))
    if len(said) > 1 and listed.wish in found.roles:  # "1 o 2" is "1 or 2" in Filipino, though "o" is also a yes
        return None
    if Role.ALL in found.roles or (Role.BOTH in found.roles and last == 2):
        return every if listed.several and said in (set(), {last + 1}, every) else None
    if Role.BOTH in found.roles and len(said) not in (0, 2):
        return None
    return every if listed.several and said == {last + 1} else said


def _picked(
    numbers: set[int], named: Sequence[set[int]], fits: Sequence[int], listed: Listed, *, asked: bool
) -> tuple[int, ...]:
    """The lines that everything said agrees on. Several only where each was named by itself."""
    if numbers:
        whole = numbers <= set(range(1, len(listed.lines) + 1))
        agreed = not (asked or named) or (
            whole and numbers <= set(fits) and numbers <= (set().union(*named) or numbers)
        )
        fine = len(numbers) == 1 or (listed.several and whole)
        return tuple(sorted(numbers)) if agreed and fine else ()
    if not (asked or named):
        return ()
    left = [people & set(fits) for people in named] or [set(fits)]
    if any(len(one) != 1 for one in left) or (len(left) > 1 and not listed.several):
        return ()
    return tuple(sorted(set().union(*left)))


def _is_on(line: Line, found: Scan, today: date) -> bool:
    return found.roles.keys() & DAYS <= days_of(line.start.date(), today)


def _without_copies(words: list[str], sent: Mapping[int, list[str]]) -> tuple[list[str], list[set[int]]]:
    """``words`` with the lines that were copied taken out, and the number of each."""
    named: list[set[int]] = []
    for number, run in sent.items():
        at = next((at for at in range(len(words)) if words[at : at + len(run)] == run), None)
        if at is not None:
            words[at : at + len(run)] = [BREAK]
            named.append({number})
    return words, named


def _bare_words(text: str, own: Lexicon) -> list[str]:
    return [word for word in words_of(own.respelled(text)) if word != BREAK]


def _without_names(
    words: list[str], listed: Listed, lexicons: tuple[Lexicon, ...]
) -> tuple[list[str], list[set[int]]]:  # fmt: skip
    """``words`` with the names on the list taken out, and for each of them the lines it stands for. A name that is also a
    word that patients answer with is none."""
    by_name: dict[tuple[str, ...], set[int]] = {}
    for number, line in enumerate(listed.lines, 1):
        for name in line.names:
            folded = tuple(word for word in tokens(name) if word != BREAK)
            if folded and not any(folded in lexicon.phrases for lexicon in lexicons):
                by_name.setdefault(folded, set()).add(number)
    named: list[set[int]] = []
    for run in sorted(by_name, key=len, reverse=True):
        for at in range(len(words) - len(run), -1, -1):
            if tuple(words[at : at + len(run)]) == run:
                words[at : at + len(run)] = [BREAK]
                named += [by_name[run]] if by_name[run] not in named else []
    return words, named
