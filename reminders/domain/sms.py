"""How a text travels as SMS: which encoding it needs and how many segments the carrier bills.

Sources: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table), 3GPP TS 23.040 (140 octets of user data;
a text of several parts gives 6 of them to a header) and Twilio's published list of "Smart Encoding" replacements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these is sent as two septets: an escape and a character.
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENSION

# What a single message holds, and what one part of a longer one holds next to its header.
_GSM_SINGLE, _GSM_PART = 160, 153
_UCS_SINGLE, _UCS_PART = 70, 67

# Twilio's table, replacement first. That a wide or non-breaking space becomes two spaces is Twilio's choice, kept because
# the carrier bills what Twilio sends.
_LOOK_ALIKES = {
    '"': "\u00ab\u00bb\u201c\u201d\u201e\u201f\u02ba\u02ee\u275d\u275e\u301d\u301e\uff02",
    "'": "\u0060\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u0313\u0314\u2018\u2019\u201b\u275b\u275c\ufe10\ufe11\uff07",
    "/": "\u00f7\u0337\u0338\u2044\u2215\u29f8\uff0f",
    "\\": "\u20e5\u29f5\u29f9\ufe68\uff3c",
    "_": "\u0332\u2017\uff3f",
    "|": "\u20d2\u20d3\u2223\u239c\u239f\u23b8\u23b9\u23d0\uff5c",
    "-": "\u2010\u2013\u2014\u2015\u2022\u2043\u23bc\u23bd\ufe63\uff0d",
    "@": "\ufe6b\uff20",
    "$": "\ufe69\uff04",
    "!": "\u01c3\ufe15\ufe57\uff01",
    "#": "\ufe5f\uff03",
    "%": "\ufe6a\uff05",
    "&": "\ufe60\uff06",
    ",": "\u0326\u201a\u3001\ufe50\ufe51\uff0c\uff64",
    "(": "\u2768\u276a\u27ee\u2985\ufe59\uff08",
    ")": "\u2769\u276b\u27ef\u2986\ufe5a\uff09",
    "*": "\u204e\u2217\u229b\u2722\u2723\u2724\u2725\u2731\u2732\u2733\u273a\u273b\u273c\u273d\u2743\u2749\u274a\u274b\u29c6\ufe61\uff0a",
    "+": "\u02d6\ufe62\uff0b",
    ".": "\u3002\ufe52\uff0e\uff61",
    ":": "\u02d0\u02f8\u2982\ua789\ufe13\uff1a",
    ";": "\u204f\ufe14\ufe54\uff1b",
    "<": "\u2039\ufe64\uff1c",
    "=": "\u0347\ua78a\ufe66\uff1d",
    ">": "\u203a\ufe65\uff1e",
    "?": "\ufe16\ufe56\uff1f",
    "^": "\u02c6\u0302\u1dcd\uff3e",
    "{": "\u2774\ufe5b\uff5b",
    "}": "\u2775\ufe5c\uff5d",
    "[": "\uff3b",
    "]": "\uff3d",
    "~": "\u02dc\u02f7\u0303\u0330\u0334\u223c\uff5e",
    "...": "\u2026",
    "!!": "\u203c",
    "1/4": "\u00bc",
    "1/2": "\u00bd",
    "3/4": "\u00be",
    " ": "\u2001\u2028\u2029",
    "  ": "\u0080\u008d\u0090\u009b\u009f\u00a0\u2000\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "       ": "\t",
    "": "\0\x03\x04\x10\x11\x12\x13\x14\x17\x19\u200b\u200c\u2060\ufeff",
}
_SMALL_CAPITALS = dict(zip("ABCDEFGHIJKLMNOPRSTUVWYZ", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", strict=True))
_FULL_WIDTH = {plain: chr(ord(plain) + 0xFEE0) for plain in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_SMART = str.maketrans(
    {
        odd: plain
        for table in (_LOOK_ALIKES, _SMALL_CAPITALS, _FULL_WIDTH)
        for plain, odds in table.items()
        for odd in odds
    }
)


@dataclass(frozen=True, slots=True)
class Segments:
    """What a text costs to send.

    ``count`` is the number of parts the carrier bills. ``units`` is the length of the text alone, without headers:
    septets for GSM-7 (an extension character is two), UTF-16 code units for UCS-2 (an emoji is two or more).
    """

    encoding: Literal["GSM-7", "UCS-2"]
    count: int
    units: int


def segments(text: str, *, smart: bool = False) -> Segments:
    """Encoding and billed parts of ``text``; ``smart`` counts it as Twilio's Smart Encoding would send it.

    Never raises. The empty text is one empty GSM-7 part, as in Twilio's calculator; Twilio's API refuses to send it.
    """
    if smart:
        text = smart_encode(text)
    if _BASIC.issuperset(text):
        return Segments("GSM-7", _even(len(text), _GSM_SINGLE, _GSM_PART), len(text))
    if _GSM.issuperset(text):
        widths = [2 if char in _EXTENSION else 1 for char in text]
        return Segments("GSM-7", _packed(widths, _GSM_SINGLE, _GSM_PART), sum(widths))
    widths = [2 if char > "\uffff" else 1 for char in text]
    return Segments("UCS-2", _packed(widths, _UCS_SINGLE, _UCS_PART), sum(widths))


def is_gsm(text: str) -> bool:
    """Whether every character of ``text`` is in GSM-7 or its extension table."""
    return _GSM.issuperset(text)


def smart_encode(text: str) -> str:
    """``text`` with typographic characters replaced by their GSM-7 look-alikes, as Twilio's Smart Encoding does.

    Characters without a look-alike stay, so the result may still need UCS-2.
    """
    return text if _BASIC.issuperset(text) else text.translate(_SMART)


def _even(length: int, single: int, part: int) -> int:
    return 1 if length <= single else -(-length // part)


def _packed(widths: list[int], single: int, part: int) -> int:
    """Parts needed when a two-unit character must not be cut in half: it moves to the next part as a whole."""
    if sum(widths) <= single:
        return 1
    count, free = 0, 0
    for width in widths:
        if width > free:
            count, free = count + 1, part
        free -= width
    return count
