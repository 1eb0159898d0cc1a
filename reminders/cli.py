"""The command line. A command's module is imported when it is asked for: none of them needs all of the others."""

from __future__ import annotations

import importlib
from typing import Any

import click

from reminders import __version__
from reminders.errors import ReminderError

#: Where each command lives.
COMMANDS = {
    "assess": "assessing:assess",
    "check-config": "configuring:check_config",
    "demo": "demonstrating:demo_command",
    "import": "importing:import_command",
    "key": "keys:key",
    "languages": "surveying:languages",
    "migrate": "configuring:migrate",
    "report": "reporting:report",
    "roll-up": "reporting:roll_up",
    "serve": "serving:serve",
    "simulate": "simulating:simulate_command",
    "sync": "passes:sync_command",
    "train": "training:train",
    "user": "accounts:user",
    "web": "serving:web",
    "worker": "working:worker",
}


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(f"reminders.commands.{module}"), name)


class Group(click.Group):
    """Finds commands by name, and turns expected errors into one sentence instead of a trace."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = _load(COMMANDS[cmd_name])
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReminderError as problem:
            raise click.ClickException(problem.message) from problem
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as problem:  # the edge: what the operator can mend is said in a sentence
            told = _load("database:explanation")(problem)
            if told is None:
                raise
            raise click.ClickException(told) from problem


@click.group(cls=Group)
@click.version_option(__version__)
def main() -> None:
    """Appointment scheduling and reminders that people can trust."""
