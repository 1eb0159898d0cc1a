"""Texts of the clinic's own: a closed language, and the product's own text as the fallback."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.wording import BY_CHANNEL, FACTS, HEADS, Key, OwnText, OwnTexts
from reminders.texts import Spoken, Template, Texts, problems
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, START, facts

REMINDER = Key("sms", "reminder", "en")
every_text = pytest.mark.parametrize(
    "key", [Key(channel, template, "en") for channel, names in BY_CHANNEL.items() for template in names], ids=str
)


def own(key: Key, body: str, version: int = 3) -> OwnTexts:
    return {key: OwnText(key, version, body, "", datetime(2030, 1, 1, tzinfo=UTC), "key_1")}


def codes(body: str, key: Key = REMINDER) -> list[str]:
    return [code for code, _ in problems(key, body)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{{ clinic }}: {{ patient }}, {{ when }}", []),
        ("{{ when }}{% if clinic_phone %} {{ clinic_phone }}{% else %} {{ clinic }}{% endif %}", []),
        ("{% if not clinic_phone and patient %}x{% endif %}{{ when }}", []),
        ("", ["empty"]),
        ("  \n ", ["empty"]),
        ("no time", ["missing_fact"]),
        ("{% if when %}no time{% endif %}", ["missing_fact"]),
        ("{{ when }} {{ doctor }}", ["unknown_fact"]),
        ("{{ when }} {{ diagnosis }} {{ service }}", ["unknown_fact", "unknown_fact"]),
        ("{{ when }} {{ text }}", ["unknown_fact"]),
        ("{{ when", ["syntax"]),
        ("{{ when }} {% if %}", ["syntax"]),
        ("{{ when.year }}", ["syntax"]),
        ("{{ when['x'] }}", ["syntax"]),
        ("{{ when() }}", ["syntax"]),
        ("{{ when | upper }}", ["syntax"]),
        ("{{ when ~ patient }}", ["syntax"]),
        ("{{ 'a' * 1000000000 }}{{ when }}", ["syntax"]),
        ("{% for a in patient %}{{ when }}{% endfor %}", ["syntax"]),
        ("{% set x = 1 %}{{ when }}", ["syntax"]),
        ("{% include 'email/_end.txt' %}{{ when }}", ["syntax"]),
        ("{% extends 'sms/desk.txt' %}", ["syntax"]),
        ("{{ self }}{{ when }}", ["unknown_fact"]),
        ("{{ when }}\x00", ["control_characters"]),
        ("{{ when }}\u202e", ["control_characters"]),
    ],
)
def test_what_is_refused(body: str, expected: list[str]) -> None:
    assert codes(body) == expected


def test_an_email_needs_a_subject_and_a_text() -> None:
    mail = Key("email", "reminder", "en")
    assert codes("{{ when }}", mail) == ["no_subject"]
    assert codes("Visit\n\n{{ when }}", mail) == []


@every_text
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_standard_text_is_a_text_that_could_be_saved(texts: Texts, key: Key, language: str) -> None:
    key = key._replace(language=language)
    assert problems(key, texts.standard(key)) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phone", [None, "+1 312 555 0100"])
@pytest.mark.parametrize("template", [name for name in BY_CHANNEL["sms"] if name not in {"desk", "several"}])
def test_the_standard_text_saved_as_it_is_says_the_same(
    texts: Texts, language: str, phone: str | None, template: str
) -> None:
    key, visit = Key("sms", template, language), facts(clinic_phone=phone)
    visit = replace(visit, choices=(("", START),)) if template in HEADS else visit
    plain = texts.sms(Template(template), language, None, visit)
    mine = texts.sms(Template(template), language, None, visit, own(key, texts.standard(key)))
    assert (mine.body, mine.version, plain.version) == (plain.body, 3, None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_count_of_visits_is_a_fact(texts: Texts, language: str) -> None:
    key = Key("sms", "several", language)
    standard = texts.standard(key)
    assert standard.count("{{ visits }}") == 1
    assert "5" not in standard
    visits = facts(others=(("Luis", START), ("Eva", START)))
    mine = texts.sms(Template.SEVERAL, language, None, visits, own(key, "{{ count }} {{ visits }}")).body
    assert mine.startswith("3 ")
    assert len(mine.splitlines()) == 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("start", [START, None])
def test_an_answer_about_no_visit(texts: Texts, language: str, start: datetime | None) -> None:
    key = Key("sms", "answer_unclear", language)
    visit = facts(start=start, patient=PATIENT if start else "")
    plain = texts.sms(Template.ANSWER_UNCLEAR, language, None, visit)
    mine = texts.sms(Template.ANSWER_UNCLEAR, language, None, visit, own(key, texts.standard(key)))
    assert (mine.body, mine.version) == (plain.body, 3)


def test_only_the_readers_language_is_replaced(texts: Texts) -> None:
    mine = own(Key("sms", "reminder", "es"), "{{ when }} hola")
    assert texts.sms(Template.REMINDER, "en", None, facts(), mine).version is None
    assert texts.sms(Template.REMINDER, "es-MX", None, facts(), mine).version == 3


def test_an_email_keeps_its_end(texts: Texts) -> None:
    key = Key("email", "reminder", "en")
    letter = texts.email(Template.REMINDER, "en", None, facts(), own(key, "Your visit\n\nSee you on {{ when }}."))
    assert letter.subject == "Your visit"
    assert letter.body.startswith("See you on ")
    assert "no more e-mails" in letter.body
    assert letter.version == 3


def test_a_call_says_the_clinics_sentence_escaped(texts: Texts) -> None:
    mine = own(Key("voice", "reminder", "en"), "You & we meet <{{ when }}>.")
    said = texts.voice("reminder", "en", None, facts(), action="/", own=mine)
    assert "You &amp; we meet &lt;" in said.body
    assert said.version == 3
    assert texts.voice("who", "en", None, facts(), action="/", own=mine).version is None


def test_a_text_that_cannot_be_filled_gives_way_to_ours(texts: Texts) -> None:
    found = texts.sms(
        Template.ANSWER_HELP, "en", None, facts(start=None), own(Key("sms", "answer_help", "en"), "{{ when }}")
    )
    assert found.version is None
    assert CLINIC in found.body


@pytest.mark.parametrize(
    ("template", "body", "code"),
    [("who", "{{ clinic }} for {{ patient }} on {{ when }}", "unknown_fact"), ("who", "Hello", "missing_fact"),
     ("voicemail", "{{ clinic }} for {{ patient }}", "unknown_fact"), ("voicemail", "Call us", "missing_fact"),
     ("voicemail", "{{ clinic }}: press 1", "key_named"), ("goodbye", "Press ٣", "key_named"),
     ("goodbye", "See you on {{ when }}", "unknown_fact"), ("times", "Take 2 of these", "key_named"),
     ("times", "For {{ patient }} there are", "unknown_fact"), ("transfer", "Press 0 again", "key_named")],
)  # fmt: skip
def test_a_call_tells_no_more_in_the_clinics_own_words(template: str, body: str, code: str) -> None:
    assert code in [found for found, _ in problems(Key("voice", template, "en"), body)]


def test_a_call_in_the_clinics_own_words(texts: Texts) -> None:
    bodies = {
        "who": "Good day, {{ clinic }} for {{ patient }}.",
        "voicemail": "{{ clinic }} & you.",
        "goodbye": "Take care.",
    }
    mine: OwnTexts = {}
    for template, body in bodies.items():
        assert problems(Key("voice", template, "en"), body) == []
        mine = {**mine, **own(Key("voice", template, "en"), body)}
    who = texts.voice("who", "en", None, facts(), action="/", own=mine).body
    assert f"Good day, {CLINIC} for {PATIENT}." in who
    assert "press 1 or say yes" in who
    assert "Take care." in who
    assert "Goodbye" not in who
    voicemail = texts.voice("voicemail", "en", None, facts(), action=None, own=mine).body
    assert f"{CLINIC} &amp; you." in voicemail
    assert PHONE in voicemail
    assert PATIENT not in voicemail
    assert "Take care." in texts.voice("confirmed", "en", None, facts(), action=None, own=mine).body
    assert texts.standard(Key("voice", "who", "de")).count("{{") == 2


def test_the_words_before_a_list_are_the_clinics_and_the_list_is_ours(texts: Texts) -> None:
    """Whatever the clinic writes, the numbers and the way out follow."""
    for body in ("Send 1", "1 yes", "{{ choices }}", "{{ when }}"):
        assert problems(Key("sms", "answer_times", "en"), body)
    head = "{{ clinic }}: how about one of these, {{ patient }}?"
    assert problems(Key("sms", "answer_times", "en"), head) == []
    offered = replace(facts(), choices=(("", START), ("", START + timedelta(days=1))))
    said = texts.sms(Template.ANSWER_TIMES, "en", None, offered, own(Key("sms", "answer_times", "en"), head))
    first, *lines, last = said.body.splitlines()
    assert first == f"{CLINIC}: how about one of these, {PATIENT}?"
    assert [line[:2] for line in lines] == ["1 ", "2 "]
    assert last.startswith("0 ")
    assert said.version == 3
    assert texts.standard(Key("sms", "answer_times", "en")).splitlines() == [
        "{{ clinic }}: other free times for {{ patient }}. Please send the number"
    ]


def test_times_on_offer_and_being_connected_in_the_clinics_own_words(texts: Texts) -> None:
    mine: OwnTexts = {}
    for template, body in (("times", "We also have these."), ("transfer", "One second, {{ clinic }} is with you.")):
        assert problems(Key("voice", template, "en"), body) == []
        mine = {**mine, **own(Key("voice", template, "en"), body)}
    offered = replace(facts(), choices=(("", START),))
    times = texts.voice("times", "en", None, offered, action="/", own=mine).body
    assert "We also have these." in times
    assert "These other times" not in times
    assert "press 1." in times
    assert "press 0" in times
    transfer = texts.voice("transfer", "en", None, facts(), action="/", own=mine).body
    assert f"One second, {CLINIC} is with you." in transfer
    assert "<Dial" in transfer


ANSWERS = ("confirmed", "cancelled", "moved", "reschedule", "late", "stopped", "over", "not_here", "call_back")


@pytest.mark.parametrize("name", ANSWERS)
def test_how_a_call_answers_in_the_clinics_own_words(texts: Texts, name: Spoken) -> None:
    """The product's sentence gives way, in one language; what follows it stays."""
    when = "{{ when }} " if "when" in FACTS[name] else ""
    body, key = f"{when}{{{{ clinic }}}} & you, within 24 hours.", Key("voice", name, "fr")
    assert problems(key, body) == []
    assert "key_named" in dict(problems(key, body + " Appuyez sur un."))
    said = texts.voice(name, "fr", None, facts(), action=None, own=own(key, body))
    assert f"{CLINIC} &amp; you, within 24 hours." in said.body
    assert said.version == 3
    product = texts.voice(name, "fr", None, facts(), action=None)
    others = re.findall(r"<Say[^>]*>[^<]*</Say>", product.body)[1:]
    assert all(other in said.body for other in others)
    assert texts.sentence(key, None, facts()) in product.body
    assert texts.voice(name, "de", None, facts(), action=None, own=own(key, body)).version is None


@given(st.text(), st.text(), st.sampled_from(sorted(FACTS["reminder"])))
def test_no_name_can_break_or_inject(texts: Texts, name: str, clinic: str, fact: str) -> None:
    mine = own(REMINDER, f"{{% if clinic_phone %}}[{{{{ {fact} }}}}]{{% endif %}} {{{{ when }}}}")
    said = texts.sms(Template.REMINDER, "en", None, facts(patient=name, clinic=clinic), mine)
    assert said.version == 3


def test_a_name_that_looks_like_a_template_stays_a_name(texts: Texts) -> None:
    said = texts.sms(
        Template.REMINDER, "en", None, facts(patient="{{ clinic }}"), own(REMINDER, "{{ patient }} {{ when }}")
    )
    assert said.body.startswith("{{ clinic }} ")
    assert PATIENT not in said.body


@pytest.mark.parametrize("template", ["who", "voicemail", "goodbye"])
def test_a_key_spelt_in_letters_is_refused_in_every_language(texts: Texts, template: str) -> None:
    """The product's own sentences about keys, with the numbers as words; its greetings name none."""
    spelt = str.maketrans("123", "一二三")
    for language in texts.languages():
        greeting = texts.standard(Key("voice", template, language))
        assert problems(Key("voice", template, language), greeting) == []
        spoken = re.findall(
            r"<Say[^>]*>([^<]+)</Say>", texts.voice("reminder", language, None, facts(), action="/x").body
        )
        said = next(one for one in spoken if re.findall(r"\d", one) == ["1", "2", "3"]).translate(spelt)
        assert "key_named" in dict(problems(Key("voice", template, language), f"{greeting} {said}")), (language, said)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Press one to confirm."), ("de", "Druecken Sie die Eins."), ("es", "Pulse uno."), ("fr", "Appuyez sur un."),
     ("zh_Hans", "请按一。"), ("vi", "Nhấn phím một."), ("tr", "Bire basın."), ("de", "Please press one.")],
)  # fmt: skip
def test_other_ways_to_name_a_key_in_letters(language: str, said: str) -> None:
    assert "key_named" in dict(problems(Key("voice", "voicemail", language), "{{ clinic }}. " + said))


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh_Hans", "请按时回电。"), ("nl", "We hebben het druk, bel ons."), ("vi", "Xin nhắn lại cho chúng tôi."),
     ("fr", "Rappelez-nous, s'il vous plaît."), ("ar", "يرجى معاودة الاتصال بنا.")],
)  # fmt: skip
def test_words_that_only_look_like_it_are_kept(language: str, said: str) -> None:
    assert problems(Key("voice", "voicemail", language), "{{ clinic }}. " + said) == []
