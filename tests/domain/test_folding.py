from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.folding import AMOUNT, QUOTE, is_decoration, join, one_edit_apart, tokens, unstretched

UNHURRIED = settings(deadline=None)  # the machine may be busy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  Sí,  GRACIAS!! ", ["si", ",", "gracias", ","]),
        ("I’ll / can't / can´t", ["ill", ",", "cant", ",", "cant"]),
        ("o.k. O.K", ["ok", ",", "ok"]),
        ("yes-please opt_out", ["yes", "please", "opt", "out"]),
        ("thanks :D <3 xD", ["thanks"]),
        ("Straße İptal ığdır Đúng Łódź", ["strasse", "iptal", "igdir", "dung", "lodz"]),
        ("好的，谢谢", ["好", "的", ",", "谢", "谢"]),
        ("OK的", ["ok", "的"]),
        ("はい がぎ ｶﾞ", ["は", "い", "が", "ぎ", "ガ"]),
        ("네 좋아요ㅋㅋ", ["네", "좋", "아", "요", "ᄏᄏ"]),
        ("好好好好 ครับบบบ", ["好", "ค", "ร", "ั", "บ"]),
        ("नहीं", ["नहीं"]),
        ("نَعَمْ إلغاء", ["نعم", "الغاء"]),
        ("כֵּן", ["כן"]),
        ("Ναι;", ["ναι", "?"]),
        ("¿Sí?", ["?", "si", "?"]),
        ("好吗？", ["好", "吗", "?"]),
        ("1️⃣", ["1"]),
        ("１ ② ❸", ["1", "2", "3"]),
        ("١ १ ๑", ["1", "1", "1"]),
        ("1yes", ["1", "yes"]),
        ("10:30", ["10", ",", "30"]),
        ("+2", [AMOUNT, "2"]),
        ("2 %", ["2", AMOUNT]),
        ("👍🏽👍", ["👍", "👍"]),
        ("ok\ud800", ["ok"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_a_quoted_message_is_one_token() -> None:
    assert tokens("Liked “Your visit is at 10:00. Reply 1 to confirm”") == ["liked", QUOTE]
    assert tokens('he said "yes"') == ["he", "said", ",", "yes", ","]


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["si", ",", "gracias"], "si gracias"), (["好", "的", ",", "谢"], "好的谢"), (["ok", "的"], "ok 的"), ([], "")],
)
def test_join(words: list[str], expected: str) -> None:
    assert join(words) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("yesss", "yes"), ("goood", "good"), ("nooooo", "no"), ("xxxy", "xxxy"), ("good", "good")]
)
def test_unstretched(word: str, expected: str) -> None:
    assert unstretched(word, [frozenset({"yes", "good", "no"})]) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("confirm", "comfirm", True),
        ("confirm", "confrim", True),
        ("confirm", "confirmm", True),
        ("confirm", "onfirm", True),
        ("confirm", "confirm", False),
        ("confirm", "cnofrim", False),
        ("cancel", "canal", False),
        ("", "a", True),
        ("", "ab", False),
    ],
)
def test_one_edit_apart(left: str, right: str, expected: bool) -> None:
    assert one_edit_apart(left, right) is expected
    assert one_edit_apart(right, left) is expected


def test_decoration() -> None:
    assert is_decoration("🎉")
    assert not is_decoration("a")
    assert not is_decoration(QUOTE)


@UNHURRIED
@given(st.text(st.characters(), max_size=300))
def test_never_raises_and_gives_no_empty_word(text: str) -> None:
    assert all(tokens(text))


@UNHURRIED
@given(st.text(max_size=60))
def test_case_does_not_matter(text: str) -> None:
    assert tokens(text.upper().lower()) == tokens(text.upper())
