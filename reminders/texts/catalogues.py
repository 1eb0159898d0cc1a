"""The languages we have: gettext catalogues, the templates compiled for each, and which of them serves a reader."""

from __future__ import annotations

from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import BytecodeCache, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket
from jinja2.sandbox import SandboxedEnvironment

from reminders.texts.tags import Tag, locale_id, read_tag

#: The language the templates are written in, and the last resort for everybody.
SOURCE = "en"
#: Spoken languages whose speakers write another one.
_WRITTEN_AS = {"gsw": "de", "yue": "zh"}
_CATALOGUE = "LC_MESSAGES/messages.po"


class Choice(NamedTuple):
    """``language`` names the catalogue; ``locale`` is CLDR's id for dates, which may know the territory too."""

    language: str
    fallback: bool
    locale: str


class Compiled(BytecodeCache):
    """Templates compiled once for all languages, in memory: the languages differ in what ``gettext`` says only."""

    def __init__(self) -> None:
        self._codes: dict[str, CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.code


class Language:
    """One catalogue with the templates compiled for it."""

    def __init__(self, root: Path, name: str) -> None:
        translations = read_catalogue(root / "locales" / name / _CATALOGUE)
        environment = SandboxedEnvironment(
            loader=FileSystemLoader(root / "templates"),
            extensions=["jinja2.ext.i18n"],
            autoescape=select_autoescape(enabled_extensions=("xml",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
            bytecode_cache=_compiled(root),
        )
        environment.globals.clear()
        environment.install_gettext_translations(translations, newstyle=True)  # type: ignore[attr-defined]
        self.gettext = translations.gettext
        self.right_to_left = Locale.parse(name).text_direction == "rtl"
        self.template = cache(environment.get_template)


class Catalogues:
    """All catalogues under ``root``, read when first needed. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        names = (path.parts[-3] for path in root.glob(f"locales/*/{_CATALOGUE}"))
        self.tags = {name: tag for name in sorted(names) if (tag := read_tag(name))}
        # Two threads that miss a cache together compute the same value twice, which does no harm.
        self.language = cache(lambda name: Language(root, name))
        self.choose = lru_cache(4096)(self._choose)

    def _choose(self, wanted: str | None, default: str | None) -> Choice:
        asked, house = read_tag(wanted), read_tag(default)
        mine, theirs = self._serving(asked), self._serving(house)
        language = mine or theirs or SOURCE
        served = mine if (wanted or "").strip() else theirs
        # A reader of Spanish in the United States expects "2:30 p.m.", so the place lends its territory.
        territory = (asked.territory if asked and mine else None) or (house.territory if house else None)
        return Choice(language, served is None, locale_id(self.tags[language], territory))

    def _serving(self, tag: Tag | None) -> str | None:
        """The catalogue for readers of ``tag``: same language and script; same territory first, then none, then any."""
        if tag is None:
            return None
        written = (_WRITTEN_AS.get(tag.language, tag.language), tag.script)
        near = [
            (has.territory != tag.territory, has.territory or "", name)
            for name, has in self.tags.items()
            if has[:2] == written
        ]
        return min(near)[-1] if near else None


def read_catalogue(path: Path) -> Translations:
    """The catalogue at ``path``, compiled in memory; entries marked fuzzy are left out."""
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, _usable(read_po(source)))
    compiled.seek(0)
    return Translations(compiled)


def _usable(catalogue: Catalog) -> Catalog:
    """Without entries whose placeholders are not those of the source: better one sentence in English than none."""
    for message in catalogue:
        if message.id and any(message.check(catalogue)):
            message.flags.add("fuzzy")
    return catalogue


@cache
def _compiled(_root: Path) -> Compiled:
    return Compiled()
