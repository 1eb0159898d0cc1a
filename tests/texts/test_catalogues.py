"""The catalogues: complete, in step with the templates, with the right placeholders, and honest about what may be sent."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import checkers
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from jinja2 import Environment, meta

from reminders.domain.wording import HEADS
from reminders.settings import data_dir
from reminders.texts import SOURCE, Template, Texts
from tests.texts.samples import LANGUAGES, START, facts

ROOT = data_dir()
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
#: The verbs by which a text asks for an answer, and what may follow them: a digit or STOP.
REPLY = re.compile(
    r"(?:i-reply(?: po)?|reply|text back|responda|responder|antworten(?: sie)?(?: bitte)?(?: mit)?|répondez|envoyez"
    r"|risponda|antwoord|prosimy o sms|ответьте|надішліть|yanıtlayın|للرد|जवाब दें|(?<!的)回[复覆]|返信ください|답장해 주세요"
    r"|trả lời|ตอบกลับ)[\s:：\"'«“„]*(\w+)",
    re.IGNORECASE,
)
#: What a machine at the carrier or the provider takes for "no more messages", here or in another country.
OPT_OUT = re.compile(
    r"\b(CANCEL|CANCELAR|CANCELA|ANNULER|STORNIEREN|ABSAGEN|END|FIN|QUIT|UNSUBSCRIBE|STOPALL|STOP ALL|REVOKE|OPTOUT|OPT-OUT"
    r"|REMOVE|ARRET|ARRÊT|TD|SAIR|SALIR|BAJA|PARAR|STOPP|NO|YES)\b"
)


def catalogue(language: str) -> Catalog:
    with (ROOT / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\((\w+)\)s", text))


def forms(message: Message) -> Iterator[tuple[str, str]]:
    """Source and translation; of a message with plural forms, one pair for each form the language has."""
    if isinstance(message.id, str):
        yield message.id, str(message.string or "")
    else:
        yield from ((message.id[-1], form or "") for form in message.string or [""])


def problems(found: Catalog) -> Iterator[str]:
    """What must be put right before these translations may reach a patient."""
    for message in found:
        if message.id and message.fuzzy:
            yield f"nobody has checked: {message.id}"
        for source, translation in forms(message) if message.id else ():
            yield from _problems(source, translation, counted=not isinstance(message.id, str))


def _problems(source: str, translation: str, *, counted: bool) -> Iterator[str]:
    places, filled = placeholders(source), placeholders(translation)
    if counted and "count" not in filled:
        places.remove("count")  # "one appointment" needs no number
    if not translation.strip():
        yield f"not translated: {source}"
    if places != filled or "%" in re.sub(r"%\(\w+\)s", "", translation):
        yield f"other placeholders: {translation}"
    if re.findall(r"(?<!\w)\d(?!\w)", source) != re.findall(r"\d", translation):
        yield f"other digits: {translation}"
    if ("STOP" in source) != ("STOP" in translation):
        yield f"STOP is missing or added: {translation}"
    if translation != translation.strip() or re.search(r"[\u00a0\u2018-\u201f\u2026\u2009\u202f\t\n]", translation):
        yield f"spaces or quotes that cost a segment: {translation}"
    yield from (f"offers {word}: {translation}" for word in offered(translation))


def offered(text: str) -> Iterator[str]:
    """Words that the text invites as an answer, other than digits and STOP."""
    yield from (match[0] for match in OPT_OUT.finditer(text))
    for match in REPLY.finditer(text):
        if not match[1][0].isdigit() and not match[1].startswith("STOP"):
            yield match[1]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_complete_and_safe(language: str) -> None:
    assert list(problems(catalogue(language))) == []
    assert [error for message in catalogue(language) for error in message.check(catalogue(language))] == []


def test_english_is_written_in_the_templates_only() -> None:
    english = catalogue("en")
    assert [message.string for message in english if message.id and any(message.string)] == []
    offers = {str(message.id): list(offered(str(message.id))) for message in english if message.id}
    assert {source: words for source, words in offers.items() if words} == {}


BROKEN = '#, python-format\nmsgid "%(clinic)s: reply 1 to confirm. STOP to opt out."\nmsgstr "{}"\n'


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("%(clinic)s: responda 1 para confirmar. Baja: STOP.", None),
        ("", "not translated"),
        ("%(clinica)s: responda 1. STOP.", "other placeholders"),
        ("%(clinic)s %(clinic)s: responda 1. STOP.", "other placeholders"),
        ("%(clinic): responda 1. STOP.", "other placeholders"),
        ("%(clinic)s: responda 2. STOP.", "other digits"),
        ("%(clinic)s: responda 1.", "STOP is missing"),
        ("%(clinic)s: responda 1\u00a0! STOP.", "cost a segment"),
        ("%(clinic)s: responda 1 o CANCELAR. STOP.", "offers CANCELAR"),
        ("%(clinic)s: responda cancelar o 1. STOP.", "offers cancelar"),
        ("%(clinic)s: antworten Sie mit Nein oder 1. STOP.", "offers Nein"),
        ("%(clinic)s：回复取消或1。STOP", "offers 取消"),
    ],
)
def test_a_broken_translation_is_found(translation: str, problem: str | None) -> None:
    found = list(problems(read_po(BytesIO(BROKEN.format(translation).encode()))))
    assert (problem is None and not found) or any(problem and problem in one for one in found), found


COUNTED = (
    '#, python-format\nmsgid "%(clinic)s: %(count)s visit"\nmsgid_plural "%(clinic)s: %(count)s visits"\n'
    'msgstr[0] "{}"\nmsgstr[1] "{}"\n'
)


@pytest.mark.parametrize(
    ("one", "more", "problem"),
    [
        ("%(clinic)s: %(count)s cita", "%(clinic)s: %(count)s citas", None),
        ("%(clinic)s: una cita", "%(clinic)s: %(count)s citas", None),
        ("%(clinic)s: %(count)s cita", "", "not translated"),
        ("%(count)s cita", "%(clinic)s: %(count)s citas", "other placeholders"),
        ("%(clinic)s: %(count)s cita", "%(clinic)s: %(number)s citas", "other placeholders"),
    ],
)
def test_a_broken_plural_is_found(one: str, more: str, problem: str | None) -> None:
    found = list(problems(read_po(BytesIO(COUNTED.format(one, more).encode()), locale="es")))
    assert (problem is None and not found) or any(problem and problem in said for said in found), found


def test_a_plural_needs_all_the_forms_of_its_language() -> None:
    two = COUNTED.format("%(clinic)s: %(count)s wizyta", "%(clinic)s: %(count)s wizyty")
    assert any("not translated" in said for said in problems(read_po(BytesIO(two.encode()), locale="pl")))


def test_a_translation_that_nobody_checked_is_found_and_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "locales" / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    entry = '#, fuzzy, python-format\nmsgid "%(date)s at %(time)s"\nmsgstr "%(date)s / %(time)s"\n'
    (folder / "messages.po").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n' + entry)
    with (folder / "messages.po").open("rb") as file:
        assert any("nobody has checked" in problem for problem in problems(read_po(file)))
    when = Texts(tmp_path).when(START, "UTC", "es")
    assert " / " not in when


def test_a_translation_that_cannot_be_filled_is_not_used(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    for language in ("en", "it"):
        shutil.copytree(ROOT / "locales" / language, tmp_path / "locales" / language)
    path = tmp_path / "locales" / "it" / "LC_MESSAGES" / "messages.po"
    path.write_text(path.read_text("utf-8").replace('"%(date)s, ore %(time)s"', '"%(date)s, ore %(tempo)s"'), "utf-8")
    body = Texts(tmp_path).sms(Template.REMINDER, "it", None, facts()).body
    assert "appuntamento di Ana Lima, sabato 11 mag at 14:30\n" in body


def extracted() -> set[str]:
    """The messages in the templates and in the code, found the way ``make messages`` finds them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    return {str(message) for _, _, message, _, _ in extract_from_dir(ROOT, methods, options)}


@pytest.mark.parametrize("language", [None, "en", *TRANSLATED])
def test_catalogues_are_in_step_with_the_templates(language: str | None) -> None:
    if language is None:
        with (ROOT / "locales" / "messages.pot").open("rb") as file:
            found = read_po(file)
    else:
        found = catalogue(language)
    assert {str(message.id) for message in found if message.id} == extracted()


@pytest.mark.parametrize(
    "path",
    [path for folder in ("sms", "email", "voice") for path in sorted(ROOT.glob(f"templates/{folder}/*"))],
    ids=lambda p: p.stem,
)
def test_templates_see_the_allowed_facts_only(path: Path) -> None:
    facts = {
        "clinic",
        "clinic_phone",
        "patient",
        "when",
        "old_when",
        "text",
        "visits",
        "choices",
        "change",
        "every",
        "number",
        "link",
    }
    spoken = {"speech", "hearing", "action", "replay", "sorry", "own", "goodbye", "number"}
    mine = {"own"} if path.stem in HEADS else set[str]()
    call = spoken if path.suffix == ".xml" else mine
    environment = Environment(extensions=["jinja2.ext.i18n"])  # only parsed, never rendered
    used = meta.find_undeclared_variables(environment.parse(path.read_text()))
    assert used <= facts | call | {"gettext", "ngettext"}


def test_babels_own_checks_are_switched_on() -> None:
    assert checkers.python_format in checkers.checkers
