"""Folds short human text into comparable tokens, for any script.

Case, accents, width, apostrophes, invisible characters and decoration disappear; "Sí, gracias!" and "si gracias" give
the same words. Scripts that put no spaces between words (Chinese, Japanese, Thai, …), or put them as they please
(Korean), give one token per character.
Based on Unicode NFKD and full case folding (UAX #15, Unicode standard section 5.18).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

BREAK = ","  # punctuation between words; several in a row are one
QUESTION = "?"
QUOTE = "❝"  # a long quotation at the end: phones quote our message when someone reacts to it with an emoji
HOUR = "◷"  # stands where a time of day was written
AMOUNT = "¤"  # stands where a symbol makes a number something else than an answer: "+2", "~2", "2 %", "$1"

_INVISIBLE = "\u00ad\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\u20e3"  # joiners, marks, selectors, keycap
_DROPPED = re.compile(f"['’‘‛ʼʹʻ`´＇{_INVISIBLE}\U0001f3fb-\U0001f3ff]")
_QUOTED = re.compile(r"(?<=\S)\s*[\"“„«][^\"”»]{20,}[\"”“»]?\s*$")
_QUESTION_MARKS = re.compile("[?¿؟՞፧⸮❓❔]|;\\s*$")  # Greek asks with ";"
_EMOTICON = re.compile(r"<3+(?!\d)|[:;=]-?[dpo](?!\w)|=[()\[\]]|\bx+d+\b")
_AMOUNTS = re.compile(r"[+~<>≈](?=\s?\d)|(?<=\d)\s?[%+°]")
_ABBREVIATION = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")  # o.k.
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-_\u2010](?=[^\W\d_])")
_STRETCHED = re.compile(r"(.)\1{2,}")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)
_ALL_UNSPACED = re.compile(f"{_UNSPACED.pattern}+")
_STRETCHED_UNSPACED = re.compile(f"({_UNSPACED.pattern})\\1{{2,}}")
# Letters that people swap freely and Unicode does not decompose.
_SAME_LETTER = str.maketrans(
    {"đ": "d", "ð": "d", "ı": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "þ": "th"}
    | {"ی": "ي", "ى": "ي", "ک": "ك", "ہ": "ه", "ة": "ه"}
)


def tokens(text: str) -> list[str]:
    """The folded words, numbers, emoji and the marks above of ``text``, in order. Never raises."""
    found: list[str] = []
    previous = ""
    for char in _folded(text):
        kind = _kind(char)
        if kind == previous and kind in ("word", "number"):
            found[-1] += char
        elif kind == "break":
            if found and found[-1] != BREAK:
                found.append(BREAK)
        elif kind != "space":
            found.append(char)
        previous = kind
    return found


def join(words: Collection[str]) -> str:
    """One readable string again: words with spaces between, unspaced scripts without, marks left out."""
    parts: list[str] = []
    for word in words:
        if word == BREAK:
            continue
        if parts and not (_UNSPACED.match(parts[-1]) and _UNSPACED.match(word)):
            parts.append(" ")
        parts.append(word)
    return "".join(parts)


def is_unspaced(text: str) -> bool:
    """Only characters that are words of their own, none of them drawn out: each can be folded alone."""
    return bool(_ALL_UNSPACED.fullmatch(text)) and not _STRETCHED_UNSPACED.search(text)


def is_decoration(word: str) -> bool:
    """An emoji or pictograph; whether one of them means something is for the caller to know."""
    return word not in (QUOTE, HOUR) and unicodedata.category(word[0]) == "So"


def unstretched(word: str, vocabularies: Collection[frozenset[str]]) -> str:
    """ "yesss" is "yes" and "goood" is "good" when a vocabulary knows them; other words stay as they are."""
    if not _STRETCHED.search(word):
        return word
    spellings = (word, _STRETCHED.sub(r"\1", word), _STRETCHED.sub(r"\1\1", word))
    return next((s for s in spellings if any(s in known for known in vocabularies)), word)


def one_edit_apart(left: str, right: str) -> bool:
    """True if one letter added, left out, changed or swapped with its neighbour makes one word of the other."""
    if left == right or abs(len(left) - len(right)) > 1:
        return False
    start = _shared(left, right)
    left, right = left[start:], right[start:]
    end = _shared(left[::-1], right[::-1])
    left, right = left[: len(left) - end], right[: len(right) - end]
    return max(len(left), len(right)) <= 1 or (len(left) == len(right) == 2 and left == right[::-1])


def _shared(left: str, right: str) -> int:
    """Length of the common beginning."""
    for length, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return length
    return min(len(left), len(right))


def _folded(text: str) -> str:
    text = _DROPPED.sub("", _QUOTED.sub(f" {QUOTE}", text)).casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(_plain(text))
        text = unicodedata.normalize("NFC", text).translate(_SAME_LETTER)
        text = _STRETCHED_UNSPACED.sub(r"\1", text)
    text = _QUESTION_MARKS.sub(QUESTION, _EMOTICON.sub(" ", text))
    text = _AMOUNTS.sub(AMOUNT, text)
    return _HYPHEN.sub(" ", _ABBREVIATION.sub(r"\1", text))


def _plain(text: str) -> Iterator[str]:
    """Decomposed text without accents and with ASCII digits.

    Latin, Greek, Cyrillic, Hebrew and Arabic marks go; the vowel and tone signs of Indic scripts, Thai, … and Japanese
    are letters and stay. Their canonical combining classes tell them apart (UAX #44).
    """
    for char in text:
        mark = unicodedata.combining(char)
        if not (10 <= mark <= 36 or mark >= 200):
            digit = unicodedata.digit(char, None)
            yield char if digit is None else str(digit)


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if char == QUESTION or category in ("So", "Sc"):
        return "sign"
    if category[0] in "LM":
        return "character" if _UNSPACED.match(char) else "word"
    return {"N": "number", "P": "break"}.get(category[0], "space")
