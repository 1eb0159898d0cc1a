"""What an e-mail says: the facts of the SMS, in full words, with a subject that gives nothing away."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from reminders.errors import Invalid
from reminders.texts import MAILED, Letter, Template, Texts, clean
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, bare, facts

OLD = datetime(2030, 9, 25, 14, 5, tzinfo=UTC)
NOTE = "Please bring\nyour list."
every_letter = pytest.mark.parametrize(
    ("language", "template"), [(language, template) for language in LANGUAGES for template in MAILED]
)


def letter(texts: Texts, template: Template, language: str, **more: object) -> Letter:
    return texts.email(template, language, None, facts(**({"text": NOTE, "old_start": OLD} | more)))


@every_letter
def test_every_letter_is_complete_in_every_language(texts: Texts, language: str, template: Template) -> None:
    mail = letter(texts, template, language)
    about_a_visit = template is not Template.DESK
    assert (mail.language, mail.fallback) == (language, False)
    assert bare(mail.subject).startswith(CLINIC)
    assert not re.search(r"%\(|[{}]|None|\.\.|  |\s$", mail.subject + mail.body), mail
    assert "\n" not in mail.subject
    assert "\n\n\n" not in mail.body
    assert bool(re.search(r"(14|2):30", mail.subject)) == about_a_visit
    assert bool(re.search(r"(14|2):30", mail.body)) == about_a_visit
    assert bool(re.search(r"0?9:05", mail.body)) == (template is Template.MOVED)
    assert (PATIENT in mail.body) == about_a_visit
    assert PATIENT not in mail.subject, "a subject shows on a locked screen"
    assert PHONE in mail.body, "the phone is the way to answer"
    assert CLINIC in mail.body.split("\n-- \n")[1]


@every_letter
def test_nobody_is_asked_to_reply(texts: Texts, language: str, template: Template) -> None:
    mail = letter(texts, template, language, clinic="-", patient="-", clinic_phone="-")
    spoken = re.sub(r"\d+[:.年月日월일]\d*|\b(5|9|11|25)\b", "", f"{mail.subject}\n{mail.body}")
    assert not re.search(r"\d", spoken)
    assert "STOP" not in spoken


@every_letter
def test_without_a_phone_nobody_is_told_to_call(texts: Texts, language: str, template: Template) -> None:
    with_phone, without = (letter(texts, template, language, clinic_phone=phone) for phone in (PHONE, None))
    assert with_phone.subject == without.subject
    assert PHONE not in without.body
    assert "\n\n\n" not in without.body
    shared = set(with_phone.body.splitlines()) & set(without.body.splitlines())
    lines = [line for line in with_phone.body.splitlines() if line not in shared]
    assert len(lines) == 1
    assert PHONE in lines[0]


def test_the_exact_words_of_a_reminder(texts: Texts) -> None:
    mail = texts.email(Template.REMINDER, "en", "en-US", facts())
    assert mail.subject == "Harbour Clinic: appointment on Saturday, May 11 at 2:30 PM"
    assert mail.body.splitlines() == [
        "Hello,",
        "",
        "This is a reminder that Ana Lima has an appointment at Harbour Clinic on Saturday, May 11 at 2:30 PM",
        "",
        "To confirm, to cancel or to find another time, please call +1 312 555 0100.",
        "",
        "-- ",
        "Harbour Clinic",
        "This e-mail was written by a machine. An answer to it may not be read in time.",
        "To get no more e-mails like this, please tell the clinic.",
    ]


def test_the_month_is_written_in_full(texts: Texts) -> None:
    mail = letter(texts, Template.MOVED, "en")
    assert "from Wednesday, September 25 at 9:05 AM to Saturday, May 11 at 2:30 PM" in mail.body


def test_a_move_without_the_old_time_tells_the_new_one(texts: Texts) -> None:
    assert "is now on Saturday, May 11 at 2:30 PM\n" in letter(texts, Template.MOVED, "en", old_start=None).body


def test_the_zone_is_named_when_the_reader_lives_elsewhere(texts: Texts) -> None:
    mail = letter(texts, Template.REMINDER, "es", recipient_zone="Asia/Tokyo")
    assert "(hora de Chicago)" in mail.subject
    assert "(hora de Chicago)" in mail.body


def test_the_desks_words_keep_their_lines(texts: Texts) -> None:
    assert f"\n\n{NOTE}\n\n" in letter(texts, Template.DESK, "en").body


@pytest.mark.parametrize("text", [None, "", " \n\x00"])
def test_the_desk_cannot_send_nothing(texts: Texts, text: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        letter(texts, Template.DESK, "en", text=text)
    assert refused.value.field == "text"


@pytest.mark.parametrize("template", [template for template in Template if template not in MAILED])
def test_answers_to_texts_are_not_mailed(texts: Texts, template: Template) -> None:
    with pytest.raises(Invalid):
        letter(texts, template, "en")


@pytest.mark.parametrize("template", [Template.REMINDER, Template.MOVED, Template.CANCELLED])
def test_without_a_visit_no_time_is_made_up(texts: Texts, template: Template) -> None:
    with pytest.raises(UndefinedError):
        letter(texts, template, "en", start=None)


@given(st.text(), st.text(), st.text(min_size=1), st.sampled_from(MAILED), st.sampled_from(LANGUAGES))
def test_any_name_is_written_and_stays_on_its_line(
    texts: Texts, name: str, clinic: str, note: str, template: Template, language: str
) -> None:
    plain = letter(texts, template, language, text="-", clinic="-", patient="-")
    mail = letter(texts, template, language, text=f"-{note}", clinic=clinic, patient=name)
    assert clean(clinic) in mail.subject
    assert template is Template.DESK or clean(name) in mail.body
    assert len(mail.subject.splitlines()) == 1
    if template is not Template.DESK:
        assert mail.body.count("\n") == plain.body.count("\n")
    (mail.subject + mail.body).encode()
