"""Keeping apart what is written in opposite directions."""

from __future__ import annotations

from unicodedata import bidirectional

_FIRST_STRONG, _POP = "\u2068", "\u2069"


def isolated(text: str, right_to_left: bool) -> str:
    """``text`` as it stands in a sentence written in the other direction: between marks that keep the two apart.

    Without them a phone number in Arabic words reads backwards and an Arabic name turns an English sentence around
    (Unicode Standard Annex 9, first strong isolate). Texts of one direction stay as they are: a mark costs a letter.
    """
    against = not text.isascii() and any(bidirectional(letter) in {"R", "AL"} for letter in text)
    return f"{_FIRST_STRONG}{text}{_POP}" if text and (right_to_left or against) else text
