"""The product's command line, for ``benchmarks.nursery``: its words are read before the first child is forked."""

from __future__ import annotations

from collections.abc import Sequence

from reminders import cli
from reminders.commands import working
from reminders.wiring import speech

#: Imported before the first fork, so that no child has to.
READY = (cli, working)


def warm() -> None:
    """What every process of the product reads once."""
    speech.words().preload()
    speech.lexicons()


def main(arguments: Sequence[str]) -> None:
    """``reminders ARGUMENTS``."""
    cli.main(list(arguments))
