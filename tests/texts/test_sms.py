"""What an SMS says: the facts, the question, the right time, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from reminders.domain.sms import segments
from reminders.errors import Invalid, NaiveTime
from reminders.settings import data_dir
from reminders.texts import Facts, Template, Texts, clean, clean_lines
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, START, TWENTY, bare, facts, facts_for

#: Words carriers or providers take as "no more messages", whatever the sentence around them.
OPT_OUT = {"CANCEL", "END", "QUIT", "UNSUBSCRIBE", "STOPALL", "REVOKE", "OPTOUT", "REMOVE", "ARRET", "TD"}
ABOUT_NO_VISIT = {
    Template.DESK,
    Template.ANSWER_ALL_CONFIRMED,
    Template.ANSWER_HELP,
    Template.ANSWER_AMBIGUOUS,
    Template.ANSWER_NOTHING,
    Template.ANSWER_START,
    Template.ANSWER_TOO_LATE,
    Template.ANSWER_LATE,
    Template.ANSWER_ALL_CANCELLED,
}
ASKING = {
    Template.REMINDER, Template.MOVED, Template.ANSWER_UNCLEAR, Template.ANSWER_HELP, Template.ANSWER_SURE,
    Template.ANSWER_WHICH,
}  # fmt: skip
NAMING_THE_PHONE = {
    Template.CANCELLED,
    Template.ANSWER_CANCELLED,
    Template.ANSWER_HELP,
    Template.ANSWER_AMBIGUOUS,
    Template.ANSWER_NOTHING,
    Template.ANSWER_TOO_LATE,
    Template.ANSWER_LATE,
}
OLD = datetime(2030, 9, 25, 14, 5, tzinfo=UTC)
#: Four visits with that of the patient, so that the number is none of the digits that ask.
FOUR = (("-", START),) * 3
every_text = pytest.mark.parametrize(
    ("language", "template"), [(language, template) for language in LANGUAGES for template in Template]
)


def test_these_languages_are_spoken(texts: Texts) -> None:
    assert texts.languages() == LANGUAGES
    assert set(LANGUAGES) >= TWENTY


@every_text
def test_every_text_is_complete_in_every_language(texts: Texts, language: str, template: Template) -> None:
    rendered = texts.sms(template, language, None, facts_for(template, text="See you!", old_start=OLD))
    body = bare(rendered.body)
    assert (rendered.language, rendered.fallback) == (language, False)
    assert body.startswith(CLINIC)
    assert not re.search(r"%\(|[{}]|None|\.\.|  |\n\n|^\s|\s$", body), body
    assert (PATIENT in body) == (template not in ABOUT_NO_VISIT)
    assert bool(re.search(r"(14|2):30", body)) == (template not in ABOUT_NO_VISIT)
    assert (PHONE in body) == (template in NAMING_THE_PHONE)
    assert bool(re.search(r"0?9:05", body)) == (template is Template.MOVED)


@every_text
def test_the_question_offers_digits_and_never_an_opt_out_word(texts: Texts, language: str, template: Template) -> None:
    body = texts.sms(
        template, language, None, facts_for(template, text="-", clinic="-", patient="-", clinic_phone="-", others=FOUR)
    ).body
    spoken = re.sub(r"\d+[:.年月日]\d*", "", body)
    assert all(re.search(rf"(?<!\d){digit}(?!\d)", spoken) for digit in "123") == (template in ASKING)
    words = set(re.findall(r"\b[A-Z]{2,}\b", re.sub(r"[^\x00-\x7f]", " ", body)))
    assert words <= {"STOP", "SMS", "PM"}
    assert not words & OPT_OUT
    if template in {Template.REMINDER, Template.MOVED}:
        assert "STOP" in words


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", Template)
def test_without_a_phone_nobody_is_told_to_call(texts: Texts, language: str, template: Template) -> None:
    with_phone = texts.sms(template, language, None, facts_for(template, text="-")).body
    without = texts.sms(template, language, None, facts_for(template, text="-", clinic_phone=None)).body
    assert with_phone.startswith(without)
    assert (with_phone == without) == (template not in NAMING_THE_PHONE)


def test_the_exact_words_of_a_reminder(texts: Texts) -> None:
    assert texts.sms(Template.REMINDER, "en", "en-US", facts()).body == (
        "Harbour Clinic: Ana Lima has an appointment on Saturday, May 11 at 2:30 PM\n"
        "Reply 1 to confirm, 2 to cancel, 3 for another time. STOP to opt out."
    )


@pytest.mark.parametrize(
    ("language", "heads"),
    [
        ("en", ["2 appointments", "3 appointments", "6 appointments"]),
        ("pl", ["2 wizyty", "3 wizyty", "6 wizyt"]),
        ("ru", ["2 записи", "3 записи", "6 записей"]),
        ("ar", ["موعدان", "3 مواعيد", "6 مواعيد"]),
        ("ja", ["ご予約2件", "ご予約3件", "ご予約6件"]),
    ],
)
def test_a_list_of_visits_is_counted_in_the_forms_of_the_language(
    texts: Texts, language: str, heads: list[str]
) -> None:
    for head, more in zip(heads, (1, 2, 5), strict=True):
        body = texts.sms(Template.SEVERAL, language, None, facts(others=(("Luis", START),) * more)).body
        assert bare(body).splitlines()[0].endswith(head)
        assert len(body.splitlines()) == more + 3


def test_a_move_without_the_old_time_tells_the_new_one(texts: Texts) -> None:
    assert "is now on Saturday, May 11 at 2:30 PM\n" in texts.sms(Template.MOVED, "en", None, facts()).body


@pytest.mark.parametrize("unknown", [{"patient": ""}, {"start": None}])
def test_an_unclear_answer_without_a_visit_names_none(texts: Texts, unknown: dict[str, object]) -> None:
    body = texts.sms(Template.ANSWER_UNCLEAR, "en", None, facts(**unknown)).body
    assert body == "Harbour Clinic: our system did not understand your message. Someone here will read it."


@pytest.mark.parametrize("template", Template)
def test_without_a_visit_no_time_is_made_up(texts: Texts, template: Template) -> None:
    if template in ABOUT_NO_VISIT | {Template.ANSWER_UNCLEAR}:
        assert not re.search(
            r"\d:\d\d", texts.sms(template, "en", None, facts_for(template, start=None, text="-")).body
        )
    else:
        with pytest.raises(UndefinedError):
            texts.sms(template, "en", None, facts_for(template, start=None, text="-"))


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Zoë <b>O'Brien</b> & Söhne", "Zoë <b>O'Brien</b> & Söhne"),
        ("{{ 7 * 7 }} {% raw %} ${x}", "{{ 7 * 7 }} {% raw %} ${x}"),
        ("%(clinic)s %s 100%", "%(clinic)s %s 100%"),
        ("Ana\r\nLima\t\x00\x1b[31m", "Ana Lima [31m"),
        ("Ana\u2028Lima\ud800", "Ana Lima"),
        ("\u202eamiL anA\u2066", "amiL anA"),
        ("می\u200cخواهم", "\u2068می\u200cخواهم\u2069"),
        ("  Ana  ", "Ana"),
        ("王小明 👩\u200d⚕️", "王小明 👩\u200d⚕️"),
    ],
)
def test_names_stay_as_they_are_and_cannot_inject(texts: Texts, given_name: str, shown: str) -> None:
    body = texts.sms(Template.REMINDER, "en", None, facts(patient=given_name)).body
    assert body.startswith(f"Harbour Clinic: {shown} has an appointment")
    assert body.count("\n") == 1


@given(st.text(), st.text(), st.sampled_from(list(Template)), st.sampled_from(LANGUAGES))
def test_any_name_is_written(texts: Texts, name: str, clinic: str, template: Template, language: str) -> None:
    body = texts.sms(
        template, language, None, facts_for(template, patient=name, clinic=clinic, text="-", old_start=OLD)
    ).body
    assert clean(clinic) in body
    assert template in ABOUT_NO_VISIT | {Template.ANSWER_WHICH} or clean(name) in body
    body.encode()


@given(st.text())
def test_cleaning_removes_only_what_cannot_be_read(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert "\n" not in once
    if text.isprintable():
        assert once == text.strip()


def test_the_desks_words_keep_their_lines(texts: Texts) -> None:
    body = texts.sms(Template.DESK, "en", None, facts(text="Hello,\r\nplease come early.\x07\n")).body
    assert body == "Harbour Clinic: Hello,\nplease come early."
    assert clean_lines("a\r\rb") == "a\n\nb"


@pytest.mark.parametrize("text", [None, "", " \n\x00"])
def test_the_desk_cannot_send_nothing(texts: Texts, text: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        texts.sms(Template.DESK, "en", None, facts(text=text))
    assert refused.value.field == "text"


def test_naive_times_and_unknown_zones_are_refused(texts: Texts) -> None:
    naive = START.replace(tzinfo=None)
    for visit in ({"start": naive}, {"old_start": naive}):
        with pytest.raises(NaiveTime):
            facts(**visit)
    with pytest.raises(NaiveTime):
        texts.when(naive, "America/Chicago", "en")
    for zone in ("Mars/Base", "", "../etc/passwd", "America"):
        with pytest.raises(Invalid):
            texts.sms(Template.REMINDER, "en", None, facts(venue_zone=zone))


def test_a_message_can_tell_nothing_but_these_facts() -> None:
    allowed = {
        "clinic",
        "clinic_phone",
        "patient",
        "start",
        "venue_zone",
        "recipient_zone",
        "old_start",
        "others",
        "choices",
        "change",
        "every",
        "link",
        "text",
    }
    assert {field.name for field in dataclasses.fields(Facts)} == allowed


@pytest.mark.parametrize("language", ["de", "en-US", "en-GB", "es", "fil", "fr", "it", "nl", "pt"])
def test_a_reminder_in_plain_letters_costs_one_segment(texts: Texts, language: str) -> None:
    monday = facts(start=START + timedelta(days=2))
    cost = segments(texts.sms(Template.REMINDER, language, None, monday).body)
    assert (cost.encoding, cost.count) == ("GSM-7", 1)


@pytest.mark.parametrize(
    ("language", "clinic", "patient"),
    [
        ("en-US", "Riverside Community Health Center", "Maximiliana Featherstone-Haugh"),
        ("en-GB", "Riverside Community Health Centre", "Maximiliana Featherstone-Haugh"),
        ("es", "Clínica del Puerto", "José García Ruiz"),
        ("es-US", "Clínica Marina", "José García"),
    ],
)
def test_a_reminder_costs_two_segments_at_most_on_any_day(
    texts: Texts, language: str, clinic: str, patient: str
) -> None:
    for day in range(366):
        visit = facts(clinic=clinic, patient=patient, start=START + timedelta(days=day))
        body = texts.sms(Template.REMINDER, language, None, visit).body
        assert segments(body).count <= 2, body


@pytest.mark.parametrize(
    ("count", "languages"),
    [(1, "fil it nl zh_Hans zh_Hant"), (2, "ar de hi ja ko pl pt ru th tr uk vi"), (3, "fr")],
)
def test_what_a_reminder_costs_at_worst_in_other_languages(texts: Texts, count: int, languages: str) -> None:
    for language in languages.split():
        bodies = [
            texts.sms(Template.REMINDER, language, None, facts(start=START + timedelta(days=day))).body
            for day in range(366)
        ]
        assert max(segments(body).count for body in bodies) == count, language


def test_threads_share_one_instance() -> None:
    shared, alone = Texts(data_dir()), Texts(data_dir())
    tasks = [(template, language) for template in Template for language in LANGUAGES] * 4

    def render(texts: Texts, task: tuple[Template, str]) -> str:
        return texts.sms(task[0], task[1], None, facts_for(task[0], text="-")).body

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda task: render(shared, task), tasks))
    assert together == [render(alone, task) for task in tasks]


def test_preload_reads_everything() -> None:
    texts = Texts(data_dir())
    texts.preload()
    assert texts.sms(Template.REMINDER, "es", None, facts()).language == "es"
