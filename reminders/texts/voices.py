"""Which of Twilio's voices speaks a language, and what Twilio calls the language when it listens.

Sources: https://www.twilio.com/docs/voice/twiml/say/text-speech for ``<Say>``, and
https://www.twilio.com/docs/voice/twiml/gather#languagetags for ``<Gather>``. The vendor adds and retires voices.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from markupsafe import Markup

#: The day of the table: compare it with the vendor's lists again when a voice is refused (error 13520).
AS_OF = date(2026, 11, 22)


class Voice(NamedTuple):
    """``language`` and ``name`` are the attributes of ``<Say>``; ``hears`` is the language of ``<Gather>``."""

    language: str
    name: str
    hears: str


#: By CLDR locale; an entry with a territory wins over the one of the language.
VOICES: dict[str, Voice] = {
    "ar": Voice("ar-AE", "Polly.Hala-Neural", "ar-AE"),
    "ar_EG": Voice("ar-AE", "Polly.Hala-Neural", "ar-EG"),
    "ar_SA": Voice("ar-AE", "Polly.Hala-Neural", "ar-SA"),
    "de": Voice("de-DE", "Polly.Vicki-Neural", "de-DE"),
    "de_AT": Voice("de-AT", "Polly.Hannah-Neural", "de-DE"),
    "en": Voice("en-US", "Polly.Joanna-Neural", "en-US"),
    "en_AU": Voice("en-AU", "Polly.Olivia-Neural", "en-AU"),
    "en_GB": Voice("en-GB", "Polly.Amy-Neural", "en-GB"),
    "en_IN": Voice("en-IN", "Polly.Kajal-Neural", "en-IN"),
    "es": Voice("es-US", "Polly.Lupe-Neural", "es-US"),
    "es_ES": Voice("es-ES", "Polly.Lucia-Neural", "es-ES"),
    "es_MX": Voice("es-MX", "Polly.Mia-Neural", "es-MX"),
    "fil": Voice("fil-PH", "Google.fil-PH-Wavenet-A", "fil-PH"),
    "fr": Voice("fr-FR", "Polly.Lea-Neural", "fr-FR"),
    "fr_CA": Voice("fr-CA", "Polly.Gabrielle-Neural", "fr-CA"),
    "hi": Voice("hi-IN", "Polly.Kajal-Neural", "hi-IN"),
    "it": Voice("it-IT", "Polly.Bianca-Neural", "it-IT"),
    "ja": Voice("ja-JP", "Polly.Kazuha-Neural", "ja-JP"),
    "ko": Voice("ko-KR", "Polly.Seoyeon-Neural", "ko-KR"),
    "nl": Voice("nl-NL", "Polly.Laura-Neural", "nl-NL"),
    "pl": Voice("pl-PL", "Polly.Ola-Neural", "pl-PL"),
    "pt": Voice("pt-BR", "Polly.Camila-Neural", "pt-BR"),
    "pt_PT": Voice("pt-PT", "Polly.Ines-Neural", "pt-PT"),
    "ru": Voice("ru-RU", "Google.ru-RU-Wavenet-A", "ru-RU"),
    "th": Voice("th-TH", "Google.th-TH-Standard-A", "th-TH"),
    "tr": Voice("tr-TR", "Polly.Burcu-Neural", "tr-TR"),
    "uk": Voice("uk-UA", "Google.uk-UA-Wavenet-A", "uk-UA"),
    "vi": Voice("vi-VN", "Google.vi-VN-Wavenet-A", "vi-VN"),
    "zh_Hans": Voice("cmn-CN", "Polly.Zhiyu-Neural", "cmn-Hans-CN"),
    "zh_Hant": Voice("cmn-TW", "Google.cmn-TW-Wavenet-A", "cmn-Hant-TW"),
    # In Hong Kong and Macau the same writing is read aloud in Cantonese.
    "zh_Hant_HK": Voice("yue-CN", "Polly.Hiujin-Neural", "yue-Hant-HK"),
    "zh_Hant_MO": Voice("yue-CN", "Polly.Hiujin-Neural", "yue-Hant-HK"),
}


def speaking(locale: str) -> Voice | None:
    """The voice with the nearest accent for a CLDR locale such as ``pt_BR``; none when nobody speaks the language."""
    language, script = locale.split("_")[0], locale[:7]
    return VOICES.get(locale) or VOICES.get(script) or VOICES.get(language)


def speech(locale: str) -> Markup:
    """The attributes of ``<Say>``: the voice for ``locale``, else the language alone."""
    voice = speaking(locale)
    if voice is None:
        return Markup('language="{}"').format(locale.replace("_", "-"))
    return Markup('language="{}" voice="{}"').format(voice.language, voice.name)


def hearing(locale: str) -> Markup:
    """The attributes of ``<Gather>``: keys and speech, or keys alone where Twilio does not understand the language."""
    voice = speaking(locale)
    if voice is None:
        return Markup('input="dtmf"')
    return Markup('input="dtmf speech" speechTimeout="auto" language="{}"').format(voice.hears)
