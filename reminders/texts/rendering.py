"""Facts in, words out. Templates see the facts listed in ``Facts`` and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from jinja2 import TemplateError

from reminders.domain.wording import HEADS, MAY_BE_WITHOUT_VISIT, Key, OwnText, OwnTexts
from reminders.errors import Invalid
from reminders.texts.bidi import isolated
from reminders.texts.catalogues import Catalogues, Choice
from reminders.texts.dates import Medium, city, clocks_differ, date_words, time_words, time_zone
from reminders.texts.facts import MAILED, Facts, Letter, Rendered, Sorry, Spoken, Template, clean, clean_lines, in_utc
from reminders.texts.own import render
from reminders.texts.spoken import N_, SENTENCES
from reminders.texts.voices import hearing, speech

# Translators: how a date and a time of day are joined: "Tuesday, May 7 at 2:30 PM".
AT = N_("%(date)s at %(time)s")
# Translators: names the clock meant, for readers in another zone: "Tuesday, May 7 at 2:30 PM (Chicago time)".
ZONE = N_("%(when)s (%(city)s time)")

# Translators: spoken on the phone; one of several times to choose from by a key: "Tuesday, May 7 at 2:30 PM: press 1."
PRESS = N_("%(when)s: press %(number)s.")

#: Stand where a name and a time will be; characters of the private use area, which no template has.
_NAME_HERE, _TIME_HERE = "\ue000", "\ue001"
_MOST_OUTLINES = 10_000

#: A list of visits in a text to be edited: five, whose plural form most numbers share.
_MANY = "\n".join(["{{ visits }}"] * 5)

#: No texts of the clinic's own.
NONE: Mapping[Key, OwnText] = {}

#: Everything in a written phone number that is not dialled.
_DIALLED = re.compile(r"[^+0-9]")


class Texts:
    """Words for facts. ``root`` holds ``locales`` and ``templates``. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self._catalogues = Catalogues(root)
        self._outlines: dict[tuple[object, ...], Rendered] = {}

    def languages(self) -> list[str]:
        """The languages with a catalogue, such as ``pt_BR``."""
        return list(self._catalogues.tags)

    def negotiate(self, wanted: str | None, default: str | None) -> tuple[str, bool]:
        """The language to use for somebody who wants ``wanted`` at a place that speaks ``default``.

        Both may be spelled as BCP 47 (``zh-Hant-TW``) or POSIX (``zh_TW.UTF-8``) tags. First comes what is wanted, in
        the same script and if possible for the same territory; then the place's language; then English. The second
        value is true when the reader gets another language than the one asked for.
        """
        choice = self._catalogues.choose(wanted, default)
        return choice.language, choice.fallback

    def sms(
        self, template: Template, wanted: str | None, default: str | None, facts: Facts, own: OwnTexts = NONE
    ) -> Rendered:  # fmt: skip
        """One SMS. Names appear as they are, without control characters. ``own``: texts of the clinic that take the place
        of ours; one that cannot be filled gives way to ours again."""
        choice = self._catalogues.choose(wanted, default)
        words = self._words(facts, choice, "sms", needs_text=template is Template.DESK)
        mine = _own(own, Key("sms", template, choice.language), words)
        if mine is None:
            return self._filled(f"sms/{template}.txt", choice, words)
        if template in HEADS:
            whole = self._render(f"sms/{template}.txt", choice, words | {"own": mine[0]})
            return replace(whole, version=mine[1])
        return Rendered(mine[0], choice.language, choice.fallback, version=mine[1])

    def email(
        self, template: Template, wanted: str | None, default: str | None, facts: Facts, own: OwnTexts = NONE
    ) -> Letter:  # fmt: skip
        """One e-mail; only for the templates of ``MAILED``. It tells what the SMS tells, and to answer by phone. ``own`` as
        for ``sms``: subject, then text; the end, which says how to get no more, stays ours."""
        if template not in MAILED:
            raise Invalid("This is not written as an e-mail.", field="template")
        choice = self._catalogues.choose(wanted, default)
        words = self._words(facts, choice, "email", needs_text=template is Template.DESK)
        mine = _own(own, Key("email", template, choice.language), words)
        if mine is not None:
            rest = (self._render(f"email/{name}.txt", choice, words).body for name in ("_link", "_end"))
            whole, version = "\n\n".join(filter(None, [mine[0], *rest])), mine[1]
        else:
            whole, version = self._render(f"email/{template}.txt", choice, words).body, None
        subject, _, body = whole.partition("\n")
        return Letter(body.strip(), choice.language, choice.fallback, subject.strip(), version=version)

    def visit_page(self, wanted: str | None, default: str | None, facts: Facts) -> Rendered:
        """The page on which a patient answers: three lines, what it tells and the words of its two buttons."""
        choice = self._catalogues.choose(wanted, default)
        return _lines(self._render("email/_page.txt", choice, self._words(facts, choice, "email")))

    def missing_page(self, wanted: Iterable[str]) -> Rendered:
        """What stands at an address that leads nowhere: a heading and a line, in the first of the reader's languages
        (tags in order of preference) that we have, else in English."""
        choices = (self._catalogues.choose(tag, None) for tag in wanted)
        choice = next((one for one in choices if not one.fallback), self._catalogues.choose(None, None))
        return _lines(self._render("email/_page_missing.txt", choice, {}))

    def voice(
        self,
        name: Spoken,
        wanted: str | None,
        default: str | None,
        facts: Facts,
        *,
        action: str | None,
        replay: str | None = None,
        sorry: Sorry = "",
        own: OwnTexts = NONE,
    ) -> Rendered:
        """One TwiML document.

        ``action`` is the address that receives the key pressed, the words said or how a transfer went; without it
        nothing is asked. ``replay`` is where the call goes on when there was no answer; without it the call ends then.
        """
        choice = self._catalogues.choose(wanted, default)
        words = self._words(facts, choice, "voice")
        mine = _own(own, Key("voice", name, choice.language), words)
        last = _own(own, Key("voice", "goodbye", choice.language), words)
        more: dict[str, str | None] = {
            "speech": speech(choice.locale), "hearing": hearing(choice.locale), "action": action, "replay": replay,
            "sorry": sorry, "own": mine and mine[0], "goodbye": last and last[0], "number": _DIALLED.sub("", facts.clinic_phone or ""),
        }  # fmt: skip
        said = self._render(f"voice/{name}.xml", choice, words | more)
        return replace(said, version=mine[1]) if mine else said

    def sentence(self, key: Key, default: str | None, facts: Facts, own: OwnTexts = NONE) -> str:
        """What a call says in the place of ``key``, without TwiML."""
        choice = self._catalogues.choose(key.language, default)
        words = self._words(facts, choice, "voice")
        mine = _own(own, key, words)
        return mine[0] if mine else self._catalogues.language(choice.language).gettext(SENTENCES[key.template]) % words

    def standard(self, key: Key) -> str:
        """The product's text as a clinic may edit it: names of facts stand where the facts will be. Of an e-mail without
        its end, of a call the one sentence."""
        choice = Choice(key.language, False, key.language)
        words = {name: f"{{{{ {name} }}}}" for name in ("clinic", "clinic_phone", "patient", "when", "text")}
        marks = (
            words
            | {"own": None, "old_when": None, "link": "", "choices": ""}
            | ({"visits": _MANY} if key.template == "several" else {})
        )
        if key.channel == "voice":
            return self._catalogues.language(key.language).gettext(SENTENCES[key.template]) % words
        body = self._render(f"{key.channel}/{key.template}.txt", choice, marks).body
        body = body.replace(_MANY, "{{ visits }}").replace("5", "{{ count }}") if "visits" in marks else body
        lines = body.partition("\n-- \n")[0].rstrip().split("\n")[: 1 if key.template in HEADS else None]
        if key.template == MAY_BE_WITHOUT_VISIT:
            lines = [f"{{% if when %}}{one}{{% endif %}}" if "{{ when }}" in one else one for one in lines]
        return "\n".join(
            f"{{% if clinic_phone %}}{one}{{% endif %}}" if "clinic_phone" in one else one for one in lines
        )

    def when(self, start: datetime, zone: str, language: str) -> str:
        """Weekday, date and time of ``start`` on the clock of ``zone``, in CLDR's form for ``language``."""
        choice = self._catalogues.choose(language, None)
        return self._when(start, zone, choice, "voice", False)

    def preload(self) -> None:
        """Read every catalogue, template and locale now rather than when the first message needs them."""
        paths = [f"sms/{template}.txt" for template in Template] + [f"email/{template}.txt" for template in MAILED]
        paths += [f"voice/{name}.xml" for name in get_args(Spoken)]
        for name in self.languages():
            language = self._catalogues.language(name)
            for path in paths:
                language.template(path)
            self.when(datetime(2000, 1, 1, tzinfo=UTC), "UTC", name)

    def _render(self, path: str, choice: Choice, words: dict[str, str | None]) -> Rendered:
        body = self._catalogues.language(choice.language).template(path).render(words)
        return Rendered(body.strip(), choice.language, choice.fallback)

    def _filled(self, path: str, choice: Choice, words: dict[str, str | None]) -> Rendered:
        """As ``_render``, for texts that thousands get with only name and time exchanged: rendered once with marks in
        their places. A name cannot be mistaken for the mark of the time, which is exchanged first."""
        patient, when = words["patient"], words.get("when")
        if not patient or not when or words["text"] or words["old_when"] or "visits" in words or "choices" in words:
            return self._render(path, choice, words)
        key = (path, choice, words["clinic"], words["clinic_phone"])
        outline = self._outlines.get(key)
        if outline is None:
            outline = self._render(path, choice, words | {"patient": _NAME_HERE, "when": _TIME_HERE})
            if len(self._outlines) < _MOST_OUTLINES:
                self._outlines[key] = outline
        body = outline.body.replace(_TIME_HERE, when).replace(_NAME_HERE, patient)
        return Rendered(body, choice.language, choice.fallback)

    def _words(
        self, facts: Facts, choice: Choice, medium: Medium, *, needs_text: bool = False
    ) -> dict[str, str | None]:
        words: dict[str, str | None] = {
            "clinic": self._name(facts.clinic, choice, medium),
            "clinic_phone": self._name(facts.clinic_phone or "", choice, medium),
            "patient": self._name(facts.patient, choice, medium),
            "text": clean_lines(facts.text or ""),
            "old_when": None,
            "own": None,
            "link": facts.link,
        }
        if needs_text and not words["text"]:
            raise Invalid("A message needs a text.", field="text")
        zone, named = facts.venue_zone, _names_zone(facts)
        if facts.start:  # else a template that needs the time fails instead of naming a wrong one
            words["when"] = self._when(facts.start, zone, choice, medium, named)
        if facts.start and facts.others:
            visits = [(facts.patient, facts.start), *facts.others]
            words["count"] = str(len(visits))
            words["visits"] = "\n".join(
                f"{self._name(patient, choice, medium)}: {self._when(start, zone, choice, medium, named)}"
                for patient, start in visits
            )
        if facts.choices:
            words |= self._choices(facts, choice, medium, named)
        if facts.old_start:
            words["old_when"] = self._when(facts.old_start, zone, choice, medium, False)
        return words

    def _choices(self, facts: Facts, choice: Choice, medium: Medium, named: bool) -> dict[str, str | None]:
        if medium == "voice":
            return {"choices": "\n".join(self._spoken(facts, choice, named))}
        lines = [
            f"{number} {self._name(name, choice, medium) + ': ' if name else ''}"
            f"{self._when(start, facts.venue_zone, choice, medium, named)}"
            for number, (name, start) in enumerate(facts.choices, 1)
        ]
        every = ("both" if len(lines) == 2 else "all") if facts.every else ""
        return {"choices": "\n".join(lines), "change": facts.change, "every": every, "number": str(len(lines) + 1)}

    def _spoken(self, facts: Facts, choice: Choice, named: bool) -> Iterator[str]:
        gettext = self._catalogues.language(choice.language).gettext
        for number, (_, start) in enumerate(facts.choices, 1):
            yield gettext(PRESS) % {
                "number": number, "when": self._when(start, facts.venue_zone, choice, "voice", named)
            }  # fmt: skip

    def _name(self, name: str, choice: Choice, medium: Medium) -> str:
        """A name or a number, untouched but for what would spoil the text around it."""
        plain = clean(name)
        if medium == "voice":
            return plain
        return isolated(plain, self._catalogues.language(choice.language).right_to_left)

    def _when(self, moment: datetime, zone: str, choice: Choice, medium: Medium, named: bool) -> str:
        gettext = self._catalogues.language(choice.language).gettext
        local = in_utc(moment).astimezone(time_zone(zone))
        date = date_words(local.date(), choice.locale, medium)
        when = gettext(AT) % {"date": date, "time": time_words(local.time(), choice.locale, medium)}
        return gettext(ZONE) % {"when": when, "city": city(zone, choice.locale, medium)} if named else when


def _lines(said: Rendered) -> Rendered:
    """Without what a template leaves between its lines."""
    return replace(said, body="\n".join(line.strip() for line in said.body.splitlines() if line.strip()))


def _own(own: OwnTexts, key: Key, words: dict[str, str | None]) -> tuple[str, int] | None:
    """The clinic's own text with its facts, and its version."""
    found = own.get(key)
    try:
        lacking = {"when": ""} if key.template == MAY_BE_WITHOUT_VISIT else {}
        return (render(found.body, lacking | words), found.version) if found else None
    except TemplateError:
        return None


def _names_zone(facts: Facts) -> bool:
    """Whether the reader's own clock would show another time than the venue's."""
    if facts.recipient_zone is None:
        return False
    times = [moment for moment in (facts.start, facts.old_start) if moment]
    return any(clocks_differ(in_utc(moment), facts.venue_zone, facts.recipient_zone) for moment in times)
