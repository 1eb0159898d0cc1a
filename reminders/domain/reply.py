"""Reads what a patient answered to a reminder.

The reminder asks "will you come? 1 = confirm, 2 = cancel, 3 = another time". An answer counts only when the *whole*
message is understood: politeness is folded away, but any word left over, a question, a "but" or two different wishes
make it unclear, and a person at the desk reads it. A wrong confirmation costs an empty chair; a wrong cancellation costs
a patient the visit, so nothing is ever cancelled on a guess.

No language is built in. Words come from a ``Lexicon`` per language; built in are only what all languages share: digits,
a few emoji, question marks and the opt-out keywords that carriers fix for every language.

Stop, start and help are understood in every language there is a list for, whatever the card says: it may name the wrong
language, and nobody should have to find out how to say stop. The patient's own language comes first, though: what has a
meaning there keeps it ("alta" starts messages in Spanish and is a discharge from hospital in Portuguese).

The bare English word "cancel" is read as cancelling the visit, but Twilio's default opt-out list also contains it. When
Twilio took the message as an opt-out, its webhook carries ``OptOutType=STOP``: the caller looks at that flag first. For
the same reason no text of ours ever offers that word. "Yes" brings messages back for carriers when the phone had stopped
them, and confirms a visit otherwise; only the caller knows which, see ``is_carrier_yes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reminders.domain.folding import BREAK, QUESTION, is_decoration, join, one_edit_apart, tokens, unstretched
from reminders.domain.lexicon import TYPO_LENGTH, Lexicon, Role

MAX_LENGTH = 60  # characters; a longer answer tells a story, and stories are for people
_MAX_RAW = 1600  # the longest message Twilio delivers


class Intent(StrEnum):
    """What the patient wants. ``UNCLEAR`` and ``QUESTION`` mean: nothing may change, the desk reads it.
    ``PERHAPS_CANCEL`` means: nothing may change before the patient has said it again."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    PERHAPS_CANCEL = "perhaps_cancel"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    QUESTION = "question"
    THANKS = "thanks"
    UNCLEAR = "unclear"


_MEANING: dict[frozenset[Role], Intent] = {
    **{frozenset({Role(intent)}): intent for intent in Intent if intent not in (Intent.UNCLEAR, Intent.QUESTION)},
    frozenset({Role.NEGATION}): Intent.CANCEL,
    frozenset({Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.NEGATION, Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.CANCEL, Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.RESCHEDULE, Role.REFUSAL}): Intent.RESCHEDULE,
    frozenset({Role.PERHAPS_CANCEL, Role.NEGATION}): Intent.PERHAPS_CANCEL,
}
_IGNORABLE = frozenset({Role.PADDING, Role.FILLER, Role.QUESTION, Role.POLITE_YES})
# A guess (a corrected typo, a mix of languages) may lead here; it never costs a visit and never changes consent.
_HARMLESS = frozenset({Intent.CONFIRM, Intent.RESCHEDULE, Intent.HELP, Intent.THANKS, Intent.PERHAPS_CANCEL})
_KEYWORDS = frozenset({Intent.STOP, Intent.START, Intent.HELP})
_MAY_ASK = frozenset({Intent.RESCHEDULE, Intent.HELP})  # "can I change it?" is a request; "yes?" is no answer

_NUMBERS = {Role.ZERO: "0", Role.ONE: "1", Role.TWO: "2", Role.THREE: "3"}
_DIGITS = {"1": Intent.CONFIRM, "2": Intent.CANCEL, "3": Intent.RESCHEDULE}
_SIGNS = {
    **dict.fromkeys("👍👌🆗✅✔✓☑", Role.CONFIRM),
    **dict.fromkeys("👎❌✖❎🙅🚫⛔🤷🤔😕", Role.HEDGE),
    "🙏": Role.THANKS,
    QUESTION: Role.QUESTION,
}
# CTIA and Twilio: one keyword alone, whatever the language of the conversation.
_CARRIER = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"), Intent.STOP),
    **dict.fromkeys(("start", "unstop"), Intent.START),
    **dict.fromkeys(("help", "info"), Intent.HELP),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer understood. ``language``: whose word list matched (None for digits, emoji and carrier keywords);
    ``matched``: the folded words that decided, empty when unclear; ``bare``: only a "no", which says nothing of what is not wanted."""

    intent: Intent
    language: str | None
    matched: str
    bare: bool = False


_UNCLEAR = Reading(Intent.UNCLEAR, None, "")
_QUESTION = Reading(Intent.QUESTION, None, "")
#: The choice of everything on a numbered list.
ALL = -1


def is_carrier_yes(text: str) -> bool:
    """The one word that carriers take as "start" from a phone that had said stop; from others it is a plain yes."""
    return tokens(text[:_MAX_RAW]) in (["yes"], ["yes", BREAK])


def read(text: str, own: Lexicon, *fallbacks: Lexicon, others: Iterable[Lexicon] = ()) -> Reading:
    """Read ``text`` in the patient's ``own`` language first, then in ``fallbacks``. Of ``others`` only the words for
    stop, start and help count, and only where nothing speaks against it. Never raises."""
    if len(text) > _MAX_RAW:
        return _UNCLEAR
    words = _words(own.respelled(text))
    keyword = _CARRIER.get(join(words).replace(" ", ""))
    if keyword:
        return Reading(keyword, None, join(words))
    reading = _read(words, own, fallbacks, others) if len(join(words)) <= MAX_LENGTH else _UNCLEAR
    return _QUESTION if reading is _UNCLEAR and _asks(words, (own, *fallbacks)) else reading


def choice(text: str, *lexicons: Lexicon) -> int | None:
    """What ``text`` chooses from a numbered list: the number, ``ALL``, or ``None`` when it says anything else besides.
    Politeness is no hindrance; a question, a "but" or two numbers are."""
    words = _words(lexicons[0].respelled(text[:_MAX_RAW]))
    scan = _scan(words, lexicons)
    if scan.unknown or not scan.roles.keys() <= _IGNORABLE - {Role.QUESTION} | {Role.THANKS, Role.ALL}:
        return None
    if Role.ALL in scan.roles:
        return None if scan.numbers else ALL
    return int(scan.numbers[0]) if len(scan.numbers) == 1 and len(scan.numbers[0]) <= 2 else None


def _words(text: str) -> list[str]:
    return [BREAK if word not in _SIGNS and is_decoration(word) else word for word in tokens(text)]


def _read(words: Sequence[str], own: Lexicon, fallbacks: Sequence[Lexicon], others: Iterable[Lexicon]) -> Reading:
    first = _scan(words, (own,))
    if (first.complete and first.answered) or Role.HEDGE in first.roles:
        return first.reading()
    for fallback in fallbacks:
        scan = _scan(words, (fallback,))
        if scan.complete and scan.answered:
            return first.checked(scan.reading())
    return _keyword_elsewhere(words, first, others) or first.checked(_guess(words, (own, *fallbacks)))


def _asks(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> bool:
    """A question about something else than our own: "yes?" is only a doubtful answer."""
    scan = _scan(words, lexicons)
    return Role.QUESTION in scan.roles and (scan.unknown > 0 or Role.HEDGE in scan.roles or not scan.answered)


def _keyword_elsewhere(words: Sequence[str], own: _Scan, others: Iterable[Lexicon]) -> Reading | None:
    """The whole message is "stop", "start" or "help" in another language, and in no two of them something different.

    The patient's own language may know nothing of it but politeness. A single letter is too little to go by.
    """
    plain = join(words)
    if own.complete or own.roles.keys() - {Role.PADDING, Role.POLITE_YES} or (len(plain) == 1 and plain.isascii()):
        return None
    readings = {reading.intent: reading for other in others if (reading := _scan(words, (other,)).reading()).matched}
    if len(readings) != 1 or not readings.keys() <= _KEYWORDS:
        return None
    return readings.popitem()[1]


def _guess(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Reading:
    """Languages mixed in one message, or one word mistyped; believed only where a mistake does no harm."""
    mixed = _scan(words, lexicons)
    scans = [mixed] if mixed.complete else [_scan(spelling, lexicons) for spelling in _corrected(words, lexicons)]
    readings = {reading.intent: reading for reading in (scan.reading() for scan in scans)}
    readings.pop(Intent.UNCLEAR, None)
    if len(readings) != 1:
        return _UNCLEAR
    intent, reading = readings.popitem()
    if intent is Intent.CANCEL:  # not sure enough to lose a visit for
        return replace(reading, intent=Intent.PERHAPS_CANCEL)
    return reading if intent in _HARMLESS else _UNCLEAR


def _corrected(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Iterator[list[str]]:
    """The message with its only unknown word replaced by each word one typing slip away, if all of them are harmless or
    if all of them would make us ask.

    The first letter must be right ("visto" is not "listo"), and a word that is as close to a refusal stays unknown.
    """
    known = frozenset[str]().union(*(lexicon.vocabulary for lexicon in lexicons))
    correctable = frozenset[str]().union(*(lexicon.correctable for lexicon in lexicons))
    askable = frozenset[str]().union(*(lexicon.askable for lexicon in lexicons))
    unknown = [at for at, word in enumerate(words) if word.isalpha() and unstretched(word, (known,)) not in known]
    if len(unknown) != 1 or len(words[unknown[0]]) < TYPO_LENGTH:
        return
    at = unknown[0]
    near = [word for word in known if word[0] == words[at][0] and one_edit_apart(word, words[at])]
    if correctable.issuperset(near) or askable.issuperset(near):
        for word in sorted(near):
            yield [*words[:at], word, *words[at + 1 :]]


@dataclass(slots=True)
class _Scan:
    """What the phrases of a message do: for each role the first phrase and its language."""

    roles: dict[Role, tuple[str, str | None]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    unknown: int = 0

    @property
    def complete(self) -> bool:
        """Every word is understood, and every number is one that the reminder offers."""
        return not self.unknown and all(number in _DIGITS for number in self.numbers)

    @property
    def digits(self) -> list[str]:
        return [number for number in self.numbers if number in _DIGITS]

    @property
    def wishes(self) -> frozenset[Role]:
        """The roles that answer something. "Thanks" is an answer only when there is no other."""
        if self.roles.keys() == {Role.POLITE_YES} and not self.digits:
            return frozenset({Role.CONFIRM})
        said = frozenset(self.roles) - _IGNORABLE
        return said - {Role.THANKS} if self.digits or said > {Role.THANKS} else said

    @property
    def answered(self) -> bool:
        return bool(self.wishes or self.digits)

    def checked(self, reading: Reading) -> Reading:
        """``reading`` if what this scan did understand points the same way, otherwise unclear."""
        meanings = {_MEANING.get(frozenset({role}), Intent.UNCLEAR) for role in self.wishes - {Role.THANKS}}
        return reading if meanings <= {reading.intent} else _UNCLEAR

    def reading(self) -> Reading:
        intent = self._intent()
        if intent is Intent.UNCLEAR:
            return _UNCLEAR
        if self.digits:
            return Reading(intent, None, self.digits[0])
        wishes = self.wishes | {Role.POLITE_YES}
        matched, language = next(found for role, found in self.roles.items() if role in wishes)
        return Reading(intent, language, matched, bare=Role.NEGATION in self.roles)

    def _intent(self) -> Intent:
        meanings = [_DIGITS[digit] for digit in self.digits]
        if self.wishes:
            meanings.append(_MEANING.get(self.wishes, Intent.UNCLEAR))
        if not self.complete or len(self.digits) > 1 or len(set(meanings)) != 1:
            return Intent.UNCLEAR
        return Intent.UNCLEAR if self._doubtful(meanings[0]) else meanings[0]

    def _doubtful(self, intent: Intent) -> bool:
        if Role.QUESTION in self.roles and intent not in _MAY_ASK:
            return True
        bare = Role.NEGATION in self.roles or intent in (Intent.STOP, Intent.START)
        return bare and Role.FILLER in self.roles


def _scan(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> _Scan:
    """Cover ``words`` from the left with the longest known phrases; an earlier lexicon goes first."""
    vocabularies = [lexicon.vocabulary for lexicon in lexicons]
    words = [unstretched(word, vocabularies) for word in words]
    scan, at = _Scan(), 0
    while at < len(words):
        at += _phrase(scan, words, at, lexicons) or _single(scan, words[at])
    return scan


def _phrase(scan: _Scan, words: list[str], at: int, lexicons: tuple[Lexicon, ...]) -> int:
    """Record the longest phrase that starts at ``at``; how many words it covers, 0 if there is none."""
    for lexicon in lexicons:
        for length in range(min(lexicon.longest, len(words) - at), 0, -1):
            phrase = tuple(words[at : at + length])
            role = lexicon.phrases.get(phrase)
            if role in _NUMBERS:
                scan.numbers.append(_NUMBERS[role])
            elif role:
                scan.roles.setdefault(role, (join(phrase), lexicon.language))
            if role:
                return length
    return 0


def _single(scan: _Scan, word: str) -> int:
    """Record what needs no word list: a digit, a meaningful emoji, a mark. Everything else is left over."""
    role = _SIGNS.get(word)
    if role:
        scan.roles.setdefault(role, (word, None))
    elif word.isdecimal():
        scan.numbers.append(word)
    elif word != BREAK:
        scan.unknown += 1
    return 1
