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
from dataclasses import replace

from reminders.domain.folding import BREAK, HOUR, join, one_edit_apart, tokens, unstretched
from reminders.domain.hours import without_hours
from reminders.domain.lexicon import TYPO_LENGTH, Lexicon, Role
from reminders.domain.reading import DAYS, UNCLEAR, Intent, Reading, about
from reminders.domain.scanning import IGNORABLE, Scan, scan, without_asides, words_of

__all__ = ["ALL", "MAX_LENGTH", "UNCLEAR", "Intent", "Reading", "about", "choice", "is_carrier_yes", "read"]

MAX_LENGTH = 120  # characters; a longer answer tells a story, and stories are for people
_MAX_RAW = 1600  # the longest message Twilio delivers

# A guess (a corrected typo, a mix of languages) may lead here; it never costs a visit and never changes consent.
_HARMLESS = frozenset({Intent.CONFIRM, Intent.RESCHEDULE, Intent.HELP, Intent.THANKS, Intent.PERHAPS_CANCEL})
_KEYWORDS = frozenset({Intent.STOP, Intent.START, Intent.HELP})

# CTIA and Twilio: one keyword alone, whatever the language of the conversation.
_CARRIER = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"), Intent.STOP),
    **dict.fromkeys(("start", "unstop"), Intent.START),
    **dict.fromkeys(("help", "info"), Intent.HELP),
}


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
        return UNCLEAR
    timeless, hours = without_hours(text)
    words = words_of(own.respelled(timeless))
    keyword = _CARRIER.get(join(words).replace(" ", ""))
    if keyword:
        return Reading(keyword, None, join(words))
    reading = _read(words, own, fallbacks, others) if len(join(words)) <= MAX_LENGTH else UNCLEAR
    if reading is UNCLEAR:
        return _QUESTION if _asks(words, (own, *fallbacks)) else UNCLEAR
    return replace(reading, hours=reading.hours.union(hours[: words.count(HOUR)]))  # a quotation takes its times along


def choice(text: str, *lexicons: Lexicon) -> int | None:
    """What ``text`` chooses from a numbered list: the number, ``ALL``, or ``None`` when it says anything else besides.
    Politeness is no hindrance; a question, a "but" or two numbers are."""
    words = words_of(lexicons[0].respelled(text[:_MAX_RAW]))
    found = scan(words, lexicons)
    every = {Role.ALL, Role.BOTH}
    if found.unknown or not found.roles.keys() <= IGNORABLE - DAYS - {Role.QUESTION, Role.HOUR} | {Role.THANKS, *every}:
        return None
    if every & found.roles.keys():
        return None if found.numbers else ALL
    return int(found.numbers[0]) if len(found.numbers) == 1 and len(found.numbers[0]) <= 2 else None


def _read(words: Sequence[str], own: Lexicon, fallbacks: Sequence[Lexicon], others: Iterable[Lexicon]) -> Reading:
    first = scan(words, (own,))
    whole = first.complete and first.answered
    if Role.HEDGE in first.roles or first.reading() is not UNCLEAR:
        return first.reading()
    parted = _parted(words, own, first)
    if whole or parted is not UNCLEAR or first.hours:  # "um 3" chooses nothing, whatever "um" is elsewhere
        return parted
    for fallback in fallbacks:
        second = scan(words, (fallback,))
        if second.complete and second.answered:
            return first.checked(second.reading())
    return _keyword_elsewhere(words, first, others) or first.checked(_guess(words, (own, *fallbacks)))


def _parted(words: Sequence[str], own: Lexicon, found: Scan) -> Reading:
    """A whole yes or no that a day, a time or courtesy parts: "ich kann am Dienstag leider nicht kommen". Words that only
    meet because of what is taken out ("no Tuesday problem") must not make a yes of a no."""
    rest, between = without_asides(words, own)
    joined = scan(rest, (own,))
    reading = joined.reading()
    is_no = reading.intent is Intent.CANCEL and Role.REFUSAL in joined.roles
    if is_no or (reading.intent is Intent.CONFIRM and not found.says_no):
        return replace(reading, days=reading.days | between.days, hours=reading.hours.union(between.hours))
    return UNCLEAR


def _asks(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> bool:
    """A question about something else than our own: "yes?" is only a doubtful answer."""
    found = scan(words, lexicons)
    return Role.QUESTION in found.roles and (found.unknown > 0 or Role.HEDGE in found.roles or not found.answered)


def _keyword_elsewhere(words: Sequence[str], own: Scan, others: Iterable[Lexicon]) -> Reading | None:
    """The whole message is "stop", "start" or "help" in another language, and in no two of them something different.

    The patient's own language may know nothing of it but politeness. A single letter is too little to go by.
    """
    plain = join(words)
    if own.complete or own.roles.keys() - {Role.PADDING, Role.POLITE_YES} or (len(plain) == 1 and plain.isascii()):
        return None
    readings = {reading.intent: reading for other in others if (reading := scan(words, (other,)).reading()).matched}
    if len(readings) != 1 or not readings.keys() <= _KEYWORDS:
        return None
    return readings.popitem()[1]


def _guess(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Reading:
    """Languages mixed in one message, or one word mistyped; believed only where a mistake does no harm."""
    mixed = scan(words, lexicons)
    scans = [mixed] if mixed.complete else [scan(spelling, lexicons) for spelling in _corrected(words, lexicons)]
    if any(found.complete and Role.HEDGE in found.roles for found in scans):  # "listb" may be "listo" or "lista"
        return UNCLEAR
    readings = {reading.intent: reading for reading in (found.reading() for found in scans)}
    readings.pop(Intent.UNCLEAR, None)
    if len(readings) != 1:
        return UNCLEAR
    intent, reading = readings.popitem()
    if intent is Intent.CANCEL and not mixed.in_one_language:  # not sure enough to lose a visit for
        return replace(reading, intent=Intent.PERHAPS_CANCEL)
    return reading if intent in _HARMLESS | {Intent.CANCEL} else UNCLEAR


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
