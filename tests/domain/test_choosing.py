"""What an answer chooses from a numbered list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.choosing import NOTHING, Chosen, Line, Listed, choose
from reminders.domain.lexicon import Role
from tests.wordlists import LEXICONS


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2030, 5, day, hour, minute, tzinfo=UTC)


#: A Tuesday.
TODAY = date(2030, 5, 7)
VISITS = Listed(
    (Line(at(8, 9), ("Ana", "Ana Ruiz")), Line(at(8, 9, 30), ("Leo", "Leo Ruiz"))),
    TODAY, several=True, wish=Role.CANCEL,
)  # fmt: skip
TIMES = Listed(
    (Line(at(8, 9)), Line(at(9, 9, 30)), Line(at(9, 14))),
    TODAY, several=False, wish=Role.CONFIRM,
)  # fmt: skip
BOTH = (1, 2)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", (1,)), ("2 please", (2,)), ("#2", (2,)), ("option two", (2,)), ("0", (0,)), ("none of these", (0,)),
        ("3", BOTH), ("3 both", BOTH), ("Both, please", BOTH), ("all of them", BOTH), ("1 and 2", BOTH), ("1,2", BOTH),
        ("1 + 2", BOTH), ("cancel both", BOTH), ("both Ana and Leo", BOTH), ("Ana and Leo", BOTH),
        ("the second one", (2,)), ("1st", (1,)), ("the last one", (2,)), ("cancel 1", (1,)), ("Ana", (1,)),
        ("leo ruiz thank you", (2,)), ("2 Leo", (2,)), ("9:30", (2,)), ("1 9.00", (1,)), ("4", (4,)),
    ],
)  # fmt: skip
def test_a_choice_among_visits(text: str, numbers: tuple[int, ...]) -> None:
    assert choose(text, VISITS, LEXICONS["en"]) == Chosen(numbers)


@pytest.mark.parametrize(
    "text",
    ["1 or 2", "1-2", "1/2", "1 Leo", "2 9:00", "confirm both", "yes both", "2 but late", "2?", "Ana?", "not 2", "1 2 3",
     "Maria", "10:30", "2 both", "0 and 1", "tomorrow", "123", "", "1 " + "and 2 " * 40],
)  # fmt: skip
def test_what_chooses_none_of_the_visits(text: str) -> None:
    assert choose(text, VISITS, LEXICONS["en"]).numbers == ()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2", (2,)), ("ok 2", (2,)), ("tomorrow", (1,)), ("the Wednesday one", (1,)), ("2pm", (3,)), ("Thursday 2 p.m.", (3,)),
     ("14:00", (3,)), ("9:30", (2,)), ("9:00 am please", (1,)), ("Thursday 9, 14h00", (3,)), ("the third", (3,)), ("8", (8,))],
)  # fmt: skip
def test_a_choice_among_times(text: str, numbers: tuple[int, ...]) -> None:
    assert choose(text, TIMES, LEXICONS["en"]) == Chosen(numbers)


@pytest.mark.parametrize(
    ("text", "day"),
    [("Thursday please", Role.THURSDAY), ("on Friday", Role.FRIDAY), ("today", Role.TODAY), ("another day", None),
     ("I can't do Thursday", None), ("both", None), ("1 and 2", None), ("Thursday 1", None), ("yes", None)],
)  # fmt: skip
def test_a_day_that_does_not_decide_is_told(text: str, day: Role | None) -> None:
    assert choose(text, TIMES, LEXICONS["en"]) == Chosen((), frozenset({day} if day else ()))


def test_one_of_three_is_named_and_two_of_three_by_number() -> None:
    three = Listed((*VISITS.lines, Line(at(9, 9), ("Ana", "Ana Ruiz"))), TODAY, several=True, wish=Role.CONFIRM)
    assert choose("Leo", three, LEXICONS["en"]).numbers == (2,)
    assert choose("Ana", three, LEXICONS["en"]) == NOTHING, "two visits of hers"
    assert choose("Ana tomorrow", three, LEXICONS["en"]).numbers == (1,)
    assert choose("1, 3", three, LEXICONS["en"]).numbers == (1, 3)
    assert choose("4", three, LEXICONS["en"]).numbers == (1, 2, 3)
    assert choose("all three", three, LEXICONS["en"]).numbers == (1, 2, 3)
    assert choose("1-3", three, LEXICONS["en"]) == NOTHING
    assert choose("both 1 and 3", three, LEXICONS["en"]).numbers == (1, 3)
    assert choose("both Leo and 3", three, LEXICONS["en"]).numbers == ()
    assert choose("both 1", three, LEXICONS["en"]) == NOTHING


@pytest.mark.parametrize("language", list(LEXICONS))
def test_both_of_three_does_not_say_which(language: str) -> None:
    three = Listed((*VISITS.lines, Line(at(9, 9), ("Eva",))), TODAY, several=True, wish=Role.CONFIRM)
    both, every = (sorted(LEXICONS[language].words(role))[0] for role in (Role.BOTH, Role.ALL))
    assert choose(both, three, LEXICONS[language]) == Chosen(unsaid=True)
    assert choose(both, VISITS, LEXICONS[language]).numbers == BOTH
    assert choose(every, three, LEXICONS[language]).numbers == (1, 2, 3)


SENT = (
    "Clinica Norte: which appointment shall we cancel? Please send its number\n1 Ana: Wednesday, May 8 at 9:00 AM\n"
    "2 Leo: Wednesday, May 8 at 9:30 AM\n3 both\n0 none of these, please call me"
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1 Ana: Wednesday, May 8 at 9:00 AM", (1,)), ("leo wednesday may 8 at 9:30 am please", (2,)), ("3 both", BOTH),
     ("0 none of these, please call me", (0,)), ("None of these, please call me!", (0,)),
     ("2 Ana: Wednesday, May 8 at 9:00 AM", ()), ("1 none of these, please call me", ()),
     ("Ana: Wednesday, May 8 at 9:00 AM but late", ()), ("Ana: Thursday, May 9 at 9:00 AM", ()),
     ("\n".join(SENT.split("\n")[1:3]), BOTH)],
)  # fmt: skip
def test_a_line_of_the_list_that_was_copied(text: str, numbers: tuple[int, ...]) -> None:
    assert choose(text, replace(VISITS, sent=SENT), LEXICONS["en"]).numbers == numbers


def test_a_name_that_is_a_word_of_answers_is_not_taken_for_a_name() -> None:
    listed = Listed((Line(at(8, 9), ("No",)), Line(at(8, 10), ("Leo",))), TODAY, True, Role.CANCEL)
    assert choose("no", listed, LEXICONS["en"]) == NOTHING


AND = {
    "ar": "1 و 2", "de": "1 und 2", "en": "1 and 2", "es": "1 y 2", "fil": "1 at 2", "fr": "1 et 2", "hi": "1 और 2",
    "it": "1 e 2", "ja": "1と2", "ko": "1, 2", "nl": "1 en 2", "pl": "1 i 2", "pt_BR": "1 e 2", "ru": "1 и 2",
    "th": "1 และ 2", "tr": "1 ve 2", "uk": "1 і 2", "vi": "1 và 2", "zh_Hans": "1和2", "zh_Hant": "1和2",
}  # fmt: skip
OR = {
    "ar": "1 أو 2", "de": "1 oder 2", "en": "1 or 2", "es": "1 o 2", "fil": "1 o 2", "fr": "1 ou 2", "hi": "1 या 2",
    "it": "1 o 2", "ja": "1か2", "ko": "1이나 2", "nl": "1 of 2", "pl": "1 albo 2", "pt_BR": "1 ou 2", "ru": "1 или 2",
    "th": "1 หรือ 2", "tr": "1 veya 2", "uk": "1 або 2", "vi": "1 hoặc 2", "zh_Hans": "1或2", "zh_Hant": "1或2",
}  # fmt: skip
SECOND = {
    "ar": "الثاني", "de": "der zweite bitte", "en": "the second one", "es": "la segunda", "fil": "yung pangalawa po",
    "fr": "le deuxième", "hi": "दूसरा वाला", "it": "il secondo", "ja": "二番目", "ko": "두번째요", "nl": "de tweede", "pl": "drugi",
    "pt_BR": "o segundo", "ru": "второе", "th": "อันที่สอง", "tr": "ikincisi", "uk": "друге", "vi": "cái thứ hai",
    "zh_Hans": "第二个", "zh_Hant": "第二個",
}  # fmt: skip
THURSDAY = {
    "ar": "الخميس", "de": "Donnerstag bitte", "en": "Thursday", "es": "el jueves", "fil": "Huwebes po", "fr": "jeudi", "hi": "गुरुवार को",
    "it": "giovedì", "ja": "木曜日が", "ko": "목요일이요", "nl": "donderdag", "pl": "w czwartek", "pt_BR": "na quinta",
    "ru": "в четверг", "th": "วันพฤหัส", "tr": "perşembe", "uk": "у четвер", "vi": "thứ năm", "zh_Hans": "周四", "zh_Hant": "週四",
}  # fmt: skip


@pytest.mark.parametrize("language", list(LEXICONS))
@pytest.mark.parametrize("wish", [Role.CONFIRM, Role.CANCEL])
def test_in_every_language(language: str, wish: Role) -> None:
    visits, own = Listed(VISITS.lines, TODAY, True, wish), (LEXICONS[language], LEXICONS["en"])
    assert choose(AND[language], visits, *own).numbers == BOTH
    assert choose(OR[language], visits, *own) == NOTHING
    assert choose(SECOND[language], visits, *own).numbers == (2,)
    assert choose(THURSDAY[language], TIMES, *own).days == {Role.THURSDAY}


@given(st.text(max_size=200), st.sampled_from(["en", "fil", "ja", "ar"]), st.sampled_from([VISITS, TIMES]))
def test_choosing_never_raises_and_names_numbers_in_order(text: str, language: str, listed: Listed) -> None:
    numbers = choose(text, listed, LEXICONS[language], LEXICONS["en"]).numbers
    assert list(numbers) == sorted(set(numbers))
    assert len(numbers) < 2 or (listed.several and set(numbers) <= {1, 2})


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [("ko", "1하고 2", BOTH), ("ko", "1이랑 2", BOTH), ("ko", "2번째요", (2,)), ("ja", "2つとも", BOTH), ("ja", "1と2", BOTH),
     ("th", "1กับ2", BOTH), ("th", "อันที่ 2", (2,)), ("ar", "1 و 2", BOTH), ("ar", "التنين", BOTH), ("zh_Hant", "1同2", BOTH),
     ("vi", "cái thứ hai", (2,)), ("de", "um 9:30 Uhr", (2,)), ("tr", "saat 9:30", (2,))],
)  # fmt: skip
def test_choices_in_other_languages(language: str, text: str, numbers: tuple[int, ...]) -> None:
    assert choose(text, VISITS, LEXICONS[language], LEXICONS["en"]) == Chosen(numbers)
