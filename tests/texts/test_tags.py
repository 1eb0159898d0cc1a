"""Who reads which language: spelling of tags, the chain of fallbacks, and the place's habits for dates."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.settings import data_dir
from reminders.texts import Template, Texts
from reminders.texts.tags import Tag, read_tag
from tests.texts.samples import START, facts


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("en", Tag("en", "Latn", None)),
        ("EN-us", Tag("en", "Latn", "US")),
        ("pt_BR.UTF-8", Tag("pt", "Latn", "BR")),
        ("de_DE@euro", Tag("de", "Latn", "DE")),
        ("de-1996", Tag("de", "Latn", None)),
        ("de-CH-1996", Tag("de", "Latn", "CH")),
        ("es-419", Tag("es", "Latn", "419")),
        ("en-US-u-ca-gregory", Tag("en", "Latn", "US")),
        ("en-x-gb", Tag("en", "Latn", None)),
        ("spa", Tag("es", "Latn", None)),
        (" fr ", Tag("fr", "Latn", None)),
        ("zh", Tag("zh", "Hans", None)),
        ("zh-SG", Tag("zh", "Hans", "SG")),
        ("zh_TW", Tag("zh", "Hant", "TW")),
        ("zh-HK", Tag("zh", "Hant", "HK")),
        ("zh-Hans-HK", Tag("zh", "Hans", "HK")),
        ("zh-cmn-Hans-CN", Tag("zh", "Hans", "CN")),
        ("cmn", Tag("zh", "Hans", None)),
        ("zh-yue", Tag("yue", "Hant", None)),
        ("sh", Tag("sr", "Latn", None)),
        ("sr-Latn-RS", Tag("sr", "Latn", "RS")),
        (None, None),
        ("", None),
        ("C", None),
        ("POSIX", None),
        ("C.UTF-8", None),
        ("Spanish", None),
        ("12", None),
        ("-", None),
        ("日本語", None),
    ],
)
def test_a_tag_is_read_in_every_common_spelling(written: str | None, read: Tag | None) -> None:
    assert read_tag(written) == read


@pytest.mark.parametrize(
    ("wanted", "default", "language", "fallback"),
    [
        ("es", "en", "es", False),
        ("es-MX", "en", "es", False),
        ("en_GB", "es", "en", False),
        ("zh_CN", "en", "zh_Hans", False),
        ("zh-Hans", "en", "zh_Hans", False),
        ("zh", "en", "zh_Hans", False),
        ("zh-Hans-HK", "en", "zh_Hans", False),
        ("pt", "en", "pt_BR", False),
        ("pt-PT", "en", "pt_BR", False),
        ("pt_BR.UTF-8", "en", "pt_BR", False),
        # Readers of Traditional Chinese are not served Simplified.
        ("zh_TW", "es", "zh_Hant", False),
        ("zh-HK", "en", "zh_Hant", False),
        ("zh-Hant", None, "zh_Hant", False),
        ("yue-HK", "en", "zh_Hant", False),
        ("gsw-CH", "fr-CH", "de", False),
        ("tl", "en", "fil", False),
        ("ar-EG", "en", "ar", False),
        # Nobody wrote in the patient's language or script: the language of the place, then English.
        ("sr-Latn", "es", "es", True),
        ("uz-Cyrl", "es-MX", "es", True),
        ("sv", "da", "en", True),
        ("Spanish", "fr", "fr", True),
        # Nothing wanted: the place's language is the expected one.
        (None, "es", "es", False),
        ("", "pt", "pt_BR", False),
        (None, "sv", "en", True),
        (None, None, "en", True),
    ],
)
def test_the_chain_of_fallbacks(
    texts: Texts, wanted: str | None, default: str | None, language: str, fallback: bool
) -> None:
    assert texts.negotiate(wanted, default) == (language, fallback)
    rendered = texts.sms(Template.REMINDER, wanted, default, facts())
    assert (rendered.language, rendered.fallback) == (language, fallback)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("zh-TW", "zh_Hant"),
        ("zh-HK", "zh_Hant_HK"),
        ("zh", "zh_Hans"),
        ("pt-PT", "pt_PT"),
        ("pt", "pt_BR"),
        ("es-MX", "es"),
    ],
)
def test_a_new_catalogue_serves_its_readers_at_once(tmp_path: Path, wanted: str, language: str) -> None:
    shutil.copytree(data_dir() / "locales", tmp_path / "locales")
    for source, copy in (("zh_Hant", "zh_Hant_HK"), ("pt_BR", "pt_PT")):
        shutil.copytree(tmp_path / "locales" / source, tmp_path / "locales" / copy)
    assert Texts(tmp_path).negotiate(wanted, "en") == (language, False)


@given(st.text(), st.text())
def test_any_text_in_the_language_field_is_survived(texts: Texts, wanted: str, default: str) -> None:
    language, _ = texts.negotiate(wanted, default)
    assert language in texts.languages()
    assert texts.sms(Template.REMINDER, wanted, default, facts()).body


@pytest.mark.parametrize(
    ("wanted", "default", "words"),
    [
        ("en-US", None, "Saturday, May 11 at 2:30 PM"),
        ("en-GB", None, "Saturday 11 May at 14:30"),
        ("en", "en-GB", "Saturday 11 May at 14:30"),
        ("en", "de-DE", "Saturday, 11 May at 14:30"),
        ("es", "es-ES", "sábado, 11 may, 14:30"),
        ("es", "en-US", "sábado, 11 de may, 2:30 p.m."),
        ("fr", "en-CA", "samedi 11 mai à 14 h 30"),
        ("de", "en-US", "Samstag, 11. Mai um 14:30 Uhr"),
        ("pt", None, "sábado, 11 de mai. às 14:30"),
        ("zh-CN", "en-US", "5月11日星期六 14:30"),
        ("sv-SE", "en-GB", "Saturday 11 May at 14:30"),
    ],
)
def test_dates_follow_the_reader_and_where_silent_the_place(
    texts: Texts, wanted: str, default: str | None, words: str
) -> None:
    assert words in texts.sms(Template.REMINDER, wanted, default, facts()).body


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Saturday, May 11 at 2:30\u202fPM"),
        ("es", "sábado, 11 de mayo, 14:30"),
        ("fr-FR", "samedi 11 mai à 14:30"),
        ("xx", "Saturday, May 11 at 2:30\u202fPM"),
    ],
)
def test_when_is_written_in_full_and_in_the_form_of_cldr(texts: Texts, language: str, words: str) -> None:
    assert texts.when(START, "America/Chicago", language) == words
