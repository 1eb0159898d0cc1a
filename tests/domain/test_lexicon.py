"""Word lists: what they may contain, and that each of ours is complete."""

from __future__ import annotations

import pytest

from reminders.domain.lexicon import Lexicon, Role
from tests.wordlists import LEXICONS, LOCALES


def test_every_language_with_texts_has_a_word_list() -> None:
    assert set(LEXICONS) >= {path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/messages.po")}
    assert len(LEXICONS) >= 20


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"confrim": ["yes"]}, "confrim"),
        ({"confirm": "yes"}, "must be a list"),
        ({"confirm": ["..."]}, "nothing to match"),
        ({"hour": ["{at |}◷"]}, "nothing to match"),
        ({"confirm": ["Ok"], "cancel": ["ok!"]}, "'ok' is listed as confirm and as cancel"),
    ],
)
def test_a_faulty_word_list_is_refused(entries: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lexicon.from_mapping("xx", entries)


def test_alternatives_in_a_word_list() -> None:
    lexicon = Lexicon.from_mapping("xx", {"cancel": ["{i |}{want|need} to cancel"]})
    assert lexicon.words(Role.CANCEL) == {"i want to cancel", "i need to cancel", "want to cancel", "need to cancel"}
    assert lexicon.words(Role.CONFIRM) == frozenset()


@pytest.mark.parametrize("language", LEXICONS)
def test_every_word_list_knows_all_a_patient_may_want(language: str) -> None:
    lexicon = LEXICONS[language]
    for role in Role:
        optional = role in (Role.QUESTION, Role.POLITE_YES, Role.PUNCTUAL)
        assert lexicon.words(role) or optional or role in (Role.ZERO, Role.ONE, Role.TWO, Role.THREE), role
