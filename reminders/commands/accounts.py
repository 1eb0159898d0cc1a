"""Commands about the people who sign in with a name and a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import click
from rich.console import Console
from rich.table import Table

from reminders import settings
from reminders.domain.actor import Role
from reminders.services.staff import ROLES, Staff
from reminders.wiring.service import build

console = Console()


@click.group()
def user() -> None:
    """People who sign in to the pages for staff."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in ROLES]), required=True)
@click.option("--language", metavar="TAG", help="What the pages speak; default: as the browser asks")
def create(name: str, role: str, language: str | None) -> None:
    """Make an account and print its first password; it is not shown again."""
    with _staff() as staff:
        password = staff.create(name, Role(role), language)
    console.print(f"{name} may sign in at {settings.load().public_url}/manage with this password.", soft_wrap=True)
    click.echo(password)


@user.command()
@click.argument("name")
def password(name: str) -> None:
    """Print a new password for somebody who lost theirs; ends their sessions."""
    with _staff() as staff:
        click.echo(staff.reset(name))


@user.command()
@click.argument("name")
def end(name: str) -> None:
    """Close an account for good; ends its sessions at once."""
    with _staff() as staff:
        staff.end(name)
    console.print(f"{name} can no longer sign in.")


@user.command("list")
def listing() -> None:
    """Everybody who has an account, and who had one."""
    table = Table("Name", "Role", "Since", "Until")
    with _staff() as staff:
        for row in staff.listing():
            table.add_row(
                row.name, row.role, f"{row.created_at:%Y-%m-%d}", f"{row.ended_at:%Y-%m-%d}" if row.ended_at else ""
            )
    console.print(table)


@contextmanager
def _staff() -> Iterator[Staff]:
    with closing(build(settings.load())) as service:
        yield service.use_cases.staff
