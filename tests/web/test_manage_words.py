"""The catalogues of the pages: complete, in step with what the pages say, with the same placeholders."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from reminders.settings import data_dir
from reminders.texts import PageTexts

ROOT = data_dir()
TRANSLATED = [language for language in PageTexts(ROOT).languages if language != "en"]
Words = str | tuple[str, str]


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def of(language: str) -> Catalog:
    return catalogue(ROOT / "locales" / language / "LC_MESSAGES" / "pages.po")


def said() -> set[Words]:
    """Everything the pages say, found the way ``make messages`` finds it."""
    with (ROOT / "babel-pages.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    return {_words(message) for _, _, message, _, _ in extract_from_dir(ROOT, methods, options)}


def _words(message: str | tuple[str, ...] | list[str]) -> Words:
    return message if isinstance(message, str) else (message[0], message[1])


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_chinese_is_among_the_languages():
    assert "zh_Hans" in TRANSLATED


@pytest.mark.parametrize("path", ["pages.pot", *(f"{name}/LC_MESSAGES/pages.po" for name in TRANSLATED)])
def test_catalogues_are_in_step_with_the_pages(path):
    found = catalogue(ROOT / "locales" / path)
    assert {_words(message.id) for message in found if message.id} == said()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_complete(language):
    for message in of(language):
        if not message.id:
            continue
        sources = (message.id,) if isinstance(message.id, str) else message.id
        texts = (message.string,) if isinstance(message.string, str) else message.string
        assert not message.fuzzy, message.id
        for text in texts:
            assert text.strip(), message.id
            assert placeholders(text) == placeholders(sources[-1]), text
            assert set(re.findall(r"<[^>]+>", text)) == set(re.findall(r"<[^>]+>", sources[0])), text


@pytest.mark.parametrize(
    ("wanted", "language"),
    [(["zh-CN"], "zh_Hans"), (["zh"], "zh_Hans"), (["zh-TW"], "en"), (["de", "zh-SG"], "zh_Hans"), (["en-GB", "zh"], "en"),
     ([None, ""], "en"), (["??"], "en"), ([], "en")],
)  # fmt: skip
def test_a_reader_gets_the_first_language_there_is(wanted, language):
    assert PageTexts(ROOT).choose(wanted) == language


def test_a_sentence_without_translation_is_english():
    assert PageTexts(ROOT).catalogue("zh_Hans").gettext("Nobody says this.") == "Nobody says this."
    assert PageTexts(ROOT).catalogue("en").gettext("Overview") == "Overview"
