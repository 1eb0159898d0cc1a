"""When the lists of reply words are read, and where nobody waits for them."""

from __future__ import annotations

from reminders.domain.reply import Intent, read
from reminders.settings import data_dir
from reminders.texts.lexicons import Lexicons


class Watched(Lexicons):
    """Remembers what it read, and which work was running then."""

    def __init__(self) -> None:
        super().__init__(data_dir())
        self.running = False
        self.read: list[tuple[str, bool]] = []

    def entries(self, name: str) -> dict[str, object]:
        self.read.append((name, self.running))
        return super().entries(name)


def test_a_list_is_read_once_and_never_within_the_work_that_wants_it() -> None:
    lexicons, begun = Watched(), 0

    def work() -> Intent:
        nonlocal begun
        begun += 1
        lexicons.running = True
        try:
            words = (lexicons.at_hand("pl"), lexicons.at_hand("en"))
            return read("désabonnement", *words, others=lexicons.elsewhere()).intent
        finally:
            lexicons.running = False

    assert lexicons.with_words(work) == Intent.STOP
    assert begun == 4  # it lacked Polish, then English, then the words for stop of all languages
    assert {name for name, _ in lexicons.read} == set(lexicons.languages)
    assert not any(running for _, running in lexicons.read)
    lexicons.read.clear()
    assert lexicons.with_words(work) == Intent.STOP
    assert (begun, lexicons.read) == (5, [])


def test_after_warming_nobody_waits_for_a_list_of_the_house() -> None:
    lexicons = Watched()
    lexicons.warm(["pl", "pl", "sw"])
    lexicons.read.clear()
    assert lexicons.with_words(lambda: read("désabonnement", lexicons.at_hand("pl"), lexicons.at_hand("en"),
                                            others=lexicons.elsewhere()).intent) == Intent.STOP  # fmt: skip
    assert lexicons.read == []


def test_a_language_without_a_list_is_read_as_english() -> None:
    lexicons = Lexicons(data_dir())
    assert lexicons.of("sw") is lexicons.of("en")
    assert lexicons.with_words(lambda: lexicons.at_hand("sw")) is lexicons.of("en")
