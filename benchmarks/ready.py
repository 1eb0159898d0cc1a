"""The product's command line, for ``benchmarks.nursery``: its words are read before the first child is forked."""

from __future__ import annotations

from collections.abc import Sequence

from reminders import cli, wiring


def warm() -> None:
    """What every process of the product reads once."""
    wiring.words()
    wiring.lexicons()


def main(arguments: Sequence[str]) -> None:
    """``reminders ARGUMENTS``."""
    cli.main(list(arguments))
