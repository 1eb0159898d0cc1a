"""Language tags: reading what others write, and finding CLDR's name for it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global


class Tag(NamedTuple):
    """A language tag; ``script`` is filled in from CLDR's likely subtags when it is not written."""

    language: str
    script: str
    territory: str | None


def read_tag(text: str | None) -> Tag | None:
    """Read a BCP 47 (RFC 5646) or POSIX tag, such as ``zh-Hant-TW`` or ``pt_BR.UTF-8``.

    ``None`` when it names no language. Variants, extensions and modifiers are ignored.
    """
    language, *rest = re.split(r"[-_]", re.split(r"[.@]", (text or "").strip())[0])
    if rest and re.fullmatch(r"[A-Za-z]{3}", rest[0]):
        language = rest.pop(0)  # an extended language such as zh-yue stands for itself
    language = language.lower()
    language, *implied = get_global("language_aliases").get(language, language).split("_")
    if not re.fullmatch(r"[a-z]{2,3}", language):
        return None
    script, territory = _subtags(rest + implied)
    return Tag(language, script or _likely_script(language, territory), territory)


def locale_id(tag: Tag, territory: str | None) -> str:
    """CLDR's name for the language of ``tag`` as used in ``territory``, or the nearest that CLDR knows."""
    language, script, own = tag
    for place in filter(None, (territory, own)):
        for name in (f"{language}_{script}_{place}", f"{language}_{place}"):
            if localedata.exists(name) and _likely_script(language, place) in (script, ""):
                return name
    return f"{language}_{script}" if localedata.exists(f"{language}_{script}") else language


@lru_cache(maxsize=200)
def language_name(text: str) -> str:
    """English name of a language tag, such as Spanish or Simplified Chinese; the tag itself when CLDR has none."""
    tag = read_tag(text)
    try:
        return (Locale.parse(text, sep="_" if "_" in text else "-").english_name or text) if tag else text
    except (UnknownLocaleError, ValueError):
        return text


def _subtags(parts: list[str]) -> tuple[str, str | None]:
    script, territory = "", None
    for part in parts:
        if len(part) == 1:
            break
        if re.fullmatch(r"[A-Za-z]{4}", part):
            script = script or part.title()
        elif re.fullmatch(r"[A-Za-z]{2}|[0-9]{3}", part):
            territory = territory or part.upper()
    return script, territory


def _likely_script(language: str, territory: str | None) -> str:
    likely = get_global("likely_subtags")
    full = likely.get(f"{language}_{territory}") or likely.get(language) or ""
    return next((part for part in full.split("_")[1:] if len(part) == 4), "")
