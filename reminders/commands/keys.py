"""`reminders key`: what programs sign in with."""

from __future__ import annotations

from contextlib import closing

import click
from rich.console import Console

from reminders import settings
from reminders.domain.actor import Role
from reminders.wiring.service import build

console = Console()


@click.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--label", default="", help="What the key is for")
def create_key(role: str, label: str) -> None:
    """Make a key and print it; it is not shown again."""
    service = build(settings.load())
    console.print(f"A key for the role {role}. Keep it: it is not shown again.")
    click.echo(service.use_cases.access.create(Role(role), label))
    service.close()


@key.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """End a key at once."""
    with closing(build(settings.load())) as service:
        ended = service.use_cases.access.revoke(key_id)
    if not ended:
        raise click.ClickException("There is no such key in force.")
    console.print("The key no longer works.")
