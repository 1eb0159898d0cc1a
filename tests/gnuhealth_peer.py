"""A real GNU Health for tests: installed once into an environment of its own under ~/.cache with an empty database, started on
a free port. Every test works in a copy of the database. Without the means to install it, tests that want it are skipped,
and say why."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reminders.clock import SystemClock
from reminders.domain.connector import PeerError
from reminders.gateways.gnuhealth_api import Tryton, stamped
from reminders.gateways.jsonapi import moment
from reminders.gateways.outward import Outward, networks
from tests.peers import PeerServer, environment

USER, PASSWORD = "reminders", "wQ7-kestrel-41-harbour"
_ADMIN, _ADMIN_PASSWORD = "admin", "vT3-lantern-58-meadow"
_SET_UP_SECONDS = 600
_CONFIG = """[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
"""


def template() -> Path:
    """A database with the modules in it, and nothing else; made now if it is not there."""
    home = environment("gnuhealth", "gnuhealth~=5.0.0", "gnuhealth-calendar~=5.0.0")
    made = home / "health.sqlite"
    with (home / "database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _set_up(home, made)
    return made


def _set_up(home: Path, made: Path) -> None:
    folder = home / "setup"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "health.sqlite").touch()
    (folder / "config").write_text(_CONFIG.format(folder=folder, port=0))
    (folder / "password").write_text(_ADMIN_PASSWORD)
    done = subprocess.run(
        [
            str(home / "bin" / "trytond-admin"), "-c", str(folder / "config"), "-d", "health", "-u", "health_calendar",
            "--activate-dependencies", "--email", "admin@example.org", "-l", "en",
        ],
        env={**os.environ, "TRYTONPASSFILE": str(folder / "password")}, capture_output=True, text=True, check=False,
        timeout=_SET_UP_SECONDS,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"GNU Health's database cannot be made here: {done.stderr.strip()[-200:]}")
    (folder / "health.sqlite").rename(made)


class Server(PeerServer):
    """A running server."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        python = environment("gnuhealth") / "bin" / "python"
        (self.folder / "config").write_text(_CONFIG.format(folder=self.folder, port=self.port))
        return [str(python), str(python.with_name("trytond")), "-c", str(self.folder / "config")]

    def hospital(self, name: str) -> Hospital:
        """A new database, with a user for us at the front desk and somebody who sees patients."""
        shutil.copy(template(), self.folder / f"{name}.sqlite")
        return Hospital(self, name)


class Hospital:
    """One database, and the people who work in it. ``staff``: the id of the health professional."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        outward = Outward(SystemClock(), networks("127.0.0.0/8"))
        self.admin = Tryton(outward, server.url, name, _ADMIN, _ADMIN_PASSWORD)
        self.made(
            "res.user",
            [{"name": "Reminders", "login": USER, "password": PASSWORD, "groups": [["add", [self._desk()]]]}],
        )
        person = self.person("Eva", "Vega", is_patient=False, is_healthprof=True)
        (self.staff,) = self.made("gnuhealth.healthprofessional", [{"party": person}])

    def _desk(self) -> int:
        """The first call to a database loads all its modules, on a busy machine for longer than anybody waits."""
        for left in reversed(range(5)):
            try:
                (group,) = self.admin.read("res.group.search", [["name", "=", "Health Front Desk"]], 0, 1, None)
                break
            except PeerError:
                if not left:
                    raise
        return int(group)

    @property
    def settings(self) -> dict[str, str]:
        """What is entered to connect it."""
        return {"url": self.server.url, "database": self.name, "user": USER, "password": PASSWORD, "region": "ES"}

    def made(self, model: str, values: Sequence[Mapping[str, Any]]) -> list[int]:
        found: list[int] = self.admin.write(f"{model}.create", list(values))
        return found

    def person(self, name: str, lastname: str, phone: str = "", **more: Any) -> int:
        """Somebody; the number of the party."""
        contacts = [["create", [{"type": "mobile", "value": phone}]]] if phone else []
        values = {
            "name": name, "lastname": lastname, "is_person": True, "is_patient": True, "create_target": True, "gender": "f",
            "fed_country": None, "contact_mechanisms": contacts, **more,
        }  # fmt: skip
        return self.made("party.party", [values])[0]

    def patient(self, name: str, lastname: str, phone: str = "") -> int:
        """A new patient."""
        return int(self.rows("gnuhealth.patient", [["party", "=", self.person(name, lastname, phone)]], "id")[0]["id"])

    def appointments(self, *values: tuple[int, str, str]) -> list[int]:
        """New appointments: patient, start and end (UTC) of each."""
        return self.made("gnuhealth.appointment", [
            {"patient": patient, "appointment_date": stamped(moment(start)), "appointment_date_end": stamped(moment(end)),
             "healthprof": self.staff, "state": "confirmed", "comments": None}
            for patient, start, end in values
        ])  # fmt: skip

    def change(self, number: int, **values: Any) -> None:
        """Somebody changes an appointment."""
        sent = {name: stamped(moment(value)) if "date" in name else value for name, value in values.items()}
        self.admin.write("gnuhealth.appointment.write", [number], sent)

    def rows(self, model: str, where: list[Any], *names: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin.read(
            f"{model}.search_read", where, 0, None, [["id", "ASC"]], list(names)
        )
        return found

    def visit(self, uid: str) -> dict[str, Any]:
        """The appointment that carries this id of ours."""
        names = ("state", "appointment_date", "appointment_date_end", "patient", "healthprof", "comments", "name")
        (row,) = self.rows("gnuhealth.appointment", [["comments", "like", f"%[reminders {uid} %"]], *names)
        return row


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server without databases, until the block ends."""
    template()
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
