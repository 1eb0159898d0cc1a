"""Rules of the clinic's own texts: which there are, where opting out is wanted, and cheaper spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.sms import is_gsm, segments
from reminders.domain.wording import BY_CHANNEL, FACTS, MUST_TELL, Key, cheaper, exists, fingerprint, wants_opt_out


@pytest.mark.parametrize(
    ("text", "plain", "replaced"),
    [
        ("Sí, mañana", "Si, mañana", {"í": "i"}),
        ("“Don’t” – it’s 10…", "\"Don't\" - it's 10...", {"“": '"', "’": "'", "”": '"', "–": "-", "…": "..."}),
        ("ça va", "ca va", {"ç": "c"}),
        ("Łódź", "Lodz", {"Ł": "L", "ó": "o", "ź": "z"}),
        ("a\u200bb", "ab", {"\u200b": ""}),
        ("plain {{ when }} €", "plain {{ when }} €", {}),
        ("您好 ’", "您好 ’", {}),
        ("😀 Sí", "😀 Sí", {}),
    ],
)
def test_cheaper(text: str, plain: str, replaced: dict[str, str]) -> None:
    assert cheaper(text) == (plain, replaced)


@given(st.text(st.sampled_from("abc éíçłş‘’“”—…{}€\u00a0ñÑ您"), max_size=200))
def test_a_cheaper_text_is_gsm_and_says_the_same_letters(text: str) -> None:
    plain, replaced = cheaper(text)
    if replaced:
        assert is_gsm(plain)
        assert segments(plain).encoding == "GSM-7"
    else:
        assert plain == text


def test_every_text_has_its_facts() -> None:
    for templates in BY_CHANNEL.values():
        assert set(templates) <= set(FACTS)
    assert all(must <= FACTS[template] for template, must in MUST_TELL.items())
    assert not {"service", "provider", "reason"} & set().union(*FACTS.values())


@pytest.mark.parametrize(
    ("key", "known"),
    [
        (Key("sms", "reminder", "en"), True),
        (Key("voice", "reminder", "en"), True),
        (Key("voice", "voicemail", "en"), True),
        (Key("sms", "who", "en"), False),
        (Key("voice", "desk", "en"), False),
        (Key("sms", "reminder", "tlh"), False),
        (Key("fax", "reminder", "en"), False),
        (Key("sms", "_hello", "en"), False),
    ],
)
def test_which_texts_there_are(key: Key, known: bool) -> None:
    assert exists(key, ["en", "es"]) is known


@pytest.mark.parametrize(
    ("key", "countries", "wanted"),
    [
        (Key("sms", "reminder", "en"), {"US"}, "US"),
        (Key("sms", "moved", "en"), {"ES", "CA"}, "CA"),
        (Key("sms", "reminder", "es"), {"ES"}, None),
        (Key("sms", "answer_confirmed", "en"), {"US"}, None),
        (Key("email", "reminder", "en"), {"US"}, None),
        (Key("voice", "reminder", "en"), {"US"}, None),
    ],
)
def test_where_opting_out_is_wanted(key: Key, countries: set[str], wanted: str | None) -> None:
    assert wants_opt_out(key, frozenset(countries)) == wanted


@given(st.text(), st.text())
def test_a_fingerprint_tells_texts_apart(one: str, other: str) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)
