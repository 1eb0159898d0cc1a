"""No log line, metric or problem holds a name, a number or a text."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog

from reminders.wsgi import configure_logging
from tests.house import book, clinic, running

SECRETS = ("Zacarias", "600000010", "600 000 010", "no entiendo", "Clinica Norte", "please ring", "Bearer", "rk_")


@pytest.fixture
def lines() -> Any:
    """Everything that is logged, from our own code and from libraries, as it is configured in production."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage() + str(record.exc_info or ""))

    root, keep = logging.getLogger(), Keep()
    before = structlog.get_config()
    configure_logging()
    structlog.configure(
        processors=[lambda _logger, _name, event: found.append(str(event)) or ""], wrapper_class=before["wrapper_class"],
        logger_factory=structlog.ReturnLoggerFactory(), cache_logger_on_first_use=False,
    )  # fmt: skip
    root.addHandler(keep)
    yield found
    root.removeHandler(keep)
    structlog.configure(**before)


def test_a_day_in_the_logs(sqlite_database_url: str, lines: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with running(sqlite_database_url) as house:
        ids = clinic(house, patient={"name": "Zacarias Paz"})
        visit = book(house, ids, "2030-05-08T09:00:00+02:00")
        house.tick(hours=25, minutes=1)
        house.settle()
        house.reply("+34600000010", "no entiendo nada")
        house.reply("+34600000010", "1")
        house.post("messages", {"patient_id": ids["patient"], "text": "please ring us"})
        house.sandbox.faults.too_many_requests = 1
        house.tick(minutes=1)
        house.sandbox.faults.drop_after_accept = 1
        house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-09T09:00:00+02:00"})
        house.tick(minutes=3)
        house.hook("/hooks/twilio/sms", {"From": "+34600000010", "Body": "no entiendo"}, signature="wrong")
        house.api("POST", "patients", {"name": "Zacarias\x00", "phone": "600 000 010 x"})
        house.api("GET", "patients", query={"q": "Zacarias", "cursor": "x"})
        with house.service.database.write() as tx:
            tx.exec_driver_sql("DROP TABLE inbox_item")
        house.reply("+34600000010", "no entiendo nada")
        assert house.api("GET", "inbox").status == 500
        house.tick(days=1)
    printed = capfd.readouterr()
    logged = "\n".join([*lines, printed.out, printed.err])
    assert "web.database" in logged
    for secret in SECRETS:
        assert secret not in logged, secret
