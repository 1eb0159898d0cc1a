"""The clinic's own texts: which there may be, what they may tell, what they must tell, and where opting out is wanted.

A text of the clinic takes the place of one of the product's, for one template, channel and language. It is versioned:
saving never changes what is there, and going back to the product's text is a version too, one without a body.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from reminders.domain.delivery import Channel
from reminders.domain.sms import is_gsm, smart_encode


class Key(NamedTuple):
    """Which text: the channel, the template's name and the catalogue's (``pt_BR``)."""

    channel: str
    template: str
    language: str


@dataclass(frozen=True, slots=True)
class OwnText:
    """The version in force of one text of the clinic. ``source`` is the fingerprint of the text it was made from."""

    key: Key
    version: int
    body: str
    source: str
    created_at: datetime
    created_by: str


OwnTexts = Mapping[Key, OwnText]

_ANYWHERE = frozenset({"clinic", "clinic_phone"})
_VISIT = _ANYWHERE | {"patient", "when"}

#: What each text may tell, by template. There is no service, provider or reason, so none can leak. A template that is
#: not here cannot be replaced.
FACTS: dict[str, frozenset[str]] = {
    "reminder": _VISIT,
    "several": _ANYWHERE | {"visits", "count"},
    "moved": _VISIT,
    "cancelled": _VISIT,
    "desk": _ANYWHERE | {"text"},
    "answer_confirmed": _VISIT,
    "answer_all_confirmed": _ANYWHERE,
    "answer_cancelled": _VISIT,
    "answer_reschedule": _VISIT,
    "answer_help": _ANYWHERE,
    "answer_unclear": _VISIT,
    "answer_ambiguous": _ANYWHERE,
    "answer_nothing": _ANYWHERE,
    "answer_start": _ANYWHERE,
    "answer_too_late": _ANYWHERE,
    "answer_sure": _VISIT,
    "answer_moved": _VISIT,
    "answer_late": _ANYWHERE,
    "answer_all_cancelled": _ANYWHERE,
    "answer_times": _ANYWHERE | {"patient"},
    "who": frozenset({"clinic", "patient"}),
    "voicemail": frozenset({"clinic"}),
    "goodbye": frozenset({"clinic"}),
    "confirmed": _VISIT - {"clinic_phone"},
    "reschedule": frozenset({"clinic", "patient"}),
    "late": frozenset({"clinic"}),
    "stopped": frozenset({"clinic"}),
    "over": frozenset({"clinic"}),
    "not_here": frozenset({"clinic"}),
    "call_back": frozenset({"clinic"}),
    "times": frozenset({"clinic"}),
    "transfer": frozenset({"clinic"}),
}

#: What a call says before anything else, who calls and whom for; what a machine hears, which anybody may listen to; and
#: the last words. They hold no digit.
GREETINGS = ("who", "voicemail", "goodbye")
#: How a call answers what was chosen; ``times`` stands before the times on offer, ``transfer`` before connecting.
_SPOKEN_ANSWERS = ("confirmed", "reschedule", "late", "stopped", "over", "not_here", "call_back", "times", "transfer")
#: Only the words before a numbered list, which stays the product's and follows by itself.
HEADS = frozenset({"answer_times", "times"})
#: A digit in these would be taken for a key or for a line of the list.
WITHOUT_DIGITS = HEADS | set(GREETINGS)
#: What only a call says.
SPOKEN_ONLY = (*GREETINGS, *_SPOKEN_ANSWERS)

#: The one text that is about a visit or about none; its facts of a visit may be empty.
MAY_BE_WITHOUT_VISIT = "answer_unclear"

#: What each text must tell to be of use. On a call the person was named before.
MUST_TELL: dict[str, frozenset[str]] = {
    "reminder": frozenset({"when"}),
    "moved": frozenset({"when"}),
    "cancelled": frozenset({"when"}),
    "answer_sure": frozenset({"when"}),
    "answer_moved": frozenset({"when"}),
    "several": frozenset({"visits"}),
    "desk": frozenset({"text"}),
    "who": frozenset({"clinic", "patient"}),
    "voicemail": frozenset({"clinic"}),
    "confirmed": frozenset({"when"}),
}

BY_CHANNEL: dict[str, tuple[str, ...]] = {
    Channel.SMS: tuple(name for name in FACTS if name not in SPOKEN_ONLY),
    Channel.EMAIL: ("reminder", "moved", "cancelled", "desk"),
    Channel.VOICE: ("reminder", *SPOKEN_ONLY, "cancelled", "moved"),
}

#: Texts that the patient did not ask for by answering, so that they have to say how to stop them.
UNASKED = frozenset({"reminder", "several", "moved"})

#: As of this day.
OPT_OUT_AS_OF = date(2026, 11, 22)

#: Countries where a recurring text has to say how to stop it, and who wants that.
OPT_OUT_WANTED: dict[str, str] = {
    "US": "CTIA Messaging Principles and Best Practices; 47 CFR 64.1200",
    "CA": "Canada's Anti-Spam Legislation, s. 6(2)(c) and 11",
    "AU": "Spam Act 2003, s. 18",
    "NZ": "Unsolicited Electronic Messages Act 2007, s. 11",
}


#: How a language speaks of pressing a key or a button, as the beginnings of words; scripts without spaces anywhere.
_PRESSING: dict[str, str] = {
    "ar": "اضغط|الضغط|بالضغط|مفتاح",
    "de": r"\b(dr[üu]e?cken|dr[üu]e?cke\b|taste|w[äa]e?hlen sie)",
    "en": r"\b(press|push|dial|keypad|hit\b)",
    "es": r"\b(marque|marcar|marca\b|pulse|pulsa|oprim|presione|presiona|tecl|digite)",
    "fil": r"\b(pindut|pumindot|i-?press|press|dial)",
    "fr": r"\b(tapez|taper|appuye|appuie|touche|composez|pressez)",
    "hi": "दबा|बटन",
    "it": r"\b(prem[aie]\b|premer|premete|tast[oi]\b|digit)",
    "ja": "押|ボタン|プッシュ",
    "ko": "누르|눌러|버튼",
    "nl": r"\b(toets|druk op|drukt u|drukken)",
    "pl": r"\b(naci[sś]|wci[sś]|klawisz|wybra[cć]|wybierz)",
    "pt_BR": r"\b(tecl|apert|pression|digit|disque)",
    "ru": r"\b(нажм|нажат|нажим|клавиш|кнопк|набер)",
    "th": "กด|ปุ่ม",
    "tr": r"\b(bas[ıi]n|basarak|tu[şs]([aluun]|\b))",
    "uk": r"\b(натис|клавіш|кнопк|набер)",
    "vi": r"\b(bấm|nhấn|phím|ấn)",
    "zh_Hans": "按[一二两三四五六七八九零键下]|拨[一二两三四五六七八九零]",
    "zh_Hant": "按[一二兩三四五六七八九零鍵下]|撥[一二兩三四五六七八九零]",
}


def asks_to_press(language: str, text: str) -> bool:
    """Whether ``text`` speaks of pressing a key, in its own language or in English; numbers may be spelt in letters."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return any(re.search(_PRESSING[one], plain) for one in (language, "en") if one in _PRESSING)


def exists(key: Key, languages: list[str]) -> bool:
    """Whether there is such a text at all."""
    return key.template in BY_CHANNEL.get(key.channel, ()) and key.language in languages


def wants_opt_out(key: Key, countries: frozenset[str]) -> str | None:
    """The country (ISO 3166-1) that wants opt-out words in this text, of those where the clinic is; ``None``: none.

    The end of every e-mail says how to get no more, and a call names key 9, whatever the clinic writes.
    """
    if key.channel != Channel.SMS or key.template not in UNASKED:
        return None
    return next((country for country in sorted(countries) if country in OPT_OUT_WANTED), None)


def fingerprint(text: str) -> str:
    """A short mark of a text, to notice that it has changed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cheaper(text: str) -> tuple[str, dict[str, str]]:
    """``text`` with every character that GSM-7 lacks written as one it has, and what was exchanged.

    Typographic characters become their look-alikes, letters lose accents that GSM-7 does not have. Nothing is exchanged
    where that is not enough: a text in another script costs what it costs.
    """
    spelled = {char: _plain(char) for char in dict.fromkeys(text) if not is_gsm(char)}
    if any(not is_gsm(plain) for plain in spelled.values()):
        return text, {}
    return "".join(spelled.get(char, char) for char in text), spelled


def _plain(char: str) -> str:
    alike = smart_encode(char)
    if is_gsm(alike):
        return alike
    return "".join(part for part in unicodedata.normalize("NFKD", _STROKES.get(char, char)) if not _is_accent(part))


def _is_accent(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


#: Letters whose stroke is no accent to Unicode.
_STROKES = {"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "Œ": "OE", "œ": "oe"}
