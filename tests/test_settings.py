"""The environment: every variable is read, checked and named in its error; secrets are not shown."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

import pytest

from reminders.errors import ConfigurationError
from reminders.settings import Settings, data_dir, load, shown, table

FIXED = {
    "REMINDERS_DATABASE_URL": "sqlite:///reminders.db",
    "REMINDERS_PUBLIC_URL": "http://127.0.0.1:8000",
    "REMINDERS_SECRET_KEY": "",
    "REMINDERS_RATE_LIMIT": "600/minute",
    "REMINDERS_SENDERS": "32",
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKEN": "",
    "TWILIO_FROM_NUMBER": "",
    "TWILIO_MESSAGING_SERVICE_SID": "",
    "TWILIO_API_URL": "https://api.twilio.com",
    "TWILIO_MESSAGES_PER_SECOND": "1",
    "TWILIO_CALLS_PER_SECOND": "1",
    "REMINDERS_SMTP_URL": "",
    "REMINDERS_MAIL_FROM": "",
    "REMINDERS_MAIL_UNSUBSCRIBE": "",
}
TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret", "TWILIO_FROM_NUMBER": "+15005550006"}


def test_names_and_defaults_are_fixed():
    assert FIXED.items() <= {name: default for name, default, _ in table()}.items()
    assert all(meaning.strip() for _, _, meaning in table())


def test_the_reply_address_has_two_sides():
    assert load({"REMINDERS_REPLY_ADDRESS": "Visits@clinic.example"}).reply_mailbox == ("Visits", "clinic.example")
    assert load({}).reply_mailbox == ("", "")


def test_an_empty_environment_gives_the_sandbox_on_sqlite():
    settings = load({})
    assert settings.sandboxed
    assert settings.is_sqlite
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.messages_per_second == Decimal(1)


def test_an_empty_variable_means_its_default():
    assert load(dict.fromkeys(FIXED, "")).senders == 32


def test_values_are_read():
    settings = load(
        TWILIO
        | {
            "REMINDERS_DATABASE_URL": "postgresql+psycopg://localhost/clinic",
            "REMINDERS_PUBLIC_URL": "https://clinic.example/",
            "TWILIO_API_URL": "http://127.0.0.1:9/",
            "REMINDERS_SENDERS": "4",
            "TWILIO_MESSAGES_PER_SECOND": "0.1",
            "REMINDERS_SECRET_KEY": "given",
        }
    )
    assert not settings.sandboxed
    assert not settings.is_sqlite
    assert (settings.public_url, settings.twilio_api_url) == ("https://clinic.example", "http://127.0.0.1:9")
    assert (settings.senders, settings.messages_per_second) == (4, Decimal("0.1"))
    assert settings.secret_key == "given"


def test_without_a_secret_each_start_makes_its_own():
    one, other = load({}).secret_key, load({}).secret_key
    assert one != other
    assert min(len(one), len(other)) >= 32


MAIL = {"REMINDERS_SMTP_URL": "smtp://mail.example", "REMINDERS_MAIL_FROM": "reminders@clinic.example"}


@pytest.mark.parametrize(
    "url",
    ["smtp://mail.example", "smtp://mail.example:25/", "smtps://key:secret@mail.example", "smtp://[::1]:2525",
     "smtp://desk%40clinic.example:p%3Aa%2Fs%40s%23@mail.example:587"],
)  # fmt: skip
def test_mail_servers_are_read(url):
    assert load(MAIL | {"REMINDERS_SMTP_URL": url}).smtp_url == url


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("reminders@clinic.example", "", "reminders@clinic.example"),
        ("<reminders@clinic.example>", "", "reminders@clinic.example"),
        ("Harbour Clinic <reminders@clinic.example>", "Harbour Clinic", "reminders@clinic.example"),
        ('"Clínica, del Puerto" <citas+1@clinica.example>', "Clínica, del Puerto", "citas+1@clinica.example"),
    ],
)
def test_the_sender_has_an_address_and_perhaps_a_name(written, name, address):
    assert load(MAIL | {"REMINDERS_MAIL_FROM": written}).mail_sender == (name, address)


def test_a_mail_servers_password_is_not_shown():
    settings = load(MAIL | {"REMINDERS_SMTP_URL": "smtp://desk:pa55@mail.example"})
    assert dict(shown(settings))["REMINDERS_SMTP_URL"] == "set"


def test_no_error_repeats_a_password():
    with pytest.raises(ConfigurationError) as caught:
        load(MAIL | {"REMINDERS_SMTP_URL": "smtp://desk:pa55#word@mail.example"})
    assert "pa55" not in caught.value.message


WRONG = [
    *(
        (MAIL | {"REMINDERS_SMTP_URL": url}, "REMINDERS_SMTP_URL")
        for url in (
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://:25",
            "smtp://mail.example:no",
            "smtp://mail.example:0",
            "smtp://mail.example:99999",
            "smtp://desk@mail.example",
            "smtp://:secret@mail.example",
            "smtp://[mail",
            "smtp://a:b@mail.example/x",
            "smtp://a:b#c@mail.example",
            "smtp://a:b?c@mail.example",
            "smtp://a:b%0D@mail.example",
            "smtp://a:pässword@mail.example",
        )
    ),
    *(
        (MAIL | {"REMINDERS_MAIL_FROM": sender}, "REMINDERS_MAIL_FROM")
        for sender in (
            "",
            "clinic",
            "clinic@",
            "@clinic.example",
            "clinic@localhost",
            "a@b.example, c@d.example",
            "Clinic a@b.example",
            "Clinic <a@b.example",
            "a@b.example>",
            "a@b.example\r\nBcc: c@d.example",
            "Clinic\nBcc: <a@b.example>",
            "ä@clinic.example",
        )
    ),
    *(
        (MAIL | {"REMINDERS_MAIL_UNSUBSCRIBE": way}, "REMINDERS_MAIL_UNSUBSCRIBE")
        for way in (
            "a@b.example",
            "http://clinic.example",
            "mailto:",
            "https://a b",
            "mailto:a@b.example>",
            "mailto:a\r\nb",
        )
    ),
    *(
        ({"REMINDERS_REPLY_ADDRESS": address}, "REMINDERS_REPLY_ADDRESS")
        for address in ("visits", "visits+a@clinic.example", "visits@", "visits@clinic", f"{'v' * 33}@clinic.example")
    ),
    ({"REMINDERS_DATABASE_URL": "mysql://localhost/clinic"}, "REMINDERS_DATABASE_URL"),
    ({"REMINDERS_DATABASE_URL": "clinic.db"}, "REMINDERS_DATABASE_URL"),
    ({"REMINDERS_PUBLIC_URL": "clinic.example"}, "REMINDERS_PUBLIC_URL"),
    ({"REMINDERS_SENDERS": "many"}, "REMINDERS_SENDERS"),
    ({"REMINDERS_SENDERS": "0"}, "REMINDERS_SENDERS"),
    ({"REMINDERS_SENDERS": "257"}, "REMINDERS_SENDERS"),
    ({"TWILIO_MESSAGES_PER_SECOND": "fast"}, "TWILIO_MESSAGES_PER_SECOND"),
    ({"TWILIO_MESSAGES_PER_SECOND": "0"}, "TWILIO_MESSAGES_PER_SECOND"),
    ({"TWILIO_CALLS_PER_SECOND": "-1"}, "TWILIO_CALLS_PER_SECOND"),
    ({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_FROM_NUMBER": "+15005550006"}, "TWILIO_AUTH_TOKEN"),
    ({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret"}, "TWILIO_FROM_NUMBER"),
]


@pytest.mark.parametrize(("environ", "name"), WRONG)
def test_errors_name_the_variable(environ, name):
    with pytest.raises(ConfigurationError, match=name):
        load(environ)


@pytest.mark.parametrize("sender", ["TWILIO_FROM_NUMBER", "TWILIO_MESSAGING_SERVICE_SID"])
def test_either_kind_of_sender_will_do(sender):
    assert not load({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret", sender: "x"}).sandboxed


def test_secrets_are_not_shown():
    settings = load(TWILIO | {"REMINDERS_SECRET_KEY": "hidden"})
    seen = dict(shown(settings))
    assert seen["TWILIO_AUTH_TOKEN"] == seen["REMINDERS_SECRET_KEY"] == "set"
    assert seen["TWILIO_ACCOUNT_SID"] == "AC1"
    assert {"secret", "hidden"}.isdisjoint(seen.values())
    assert len(seen) == len(fields(Settings))


def test_a_password_in_the_database_url_is_not_shown():
    settings = load({"REMINDERS_DATABASE_URL": "postgresql://clinic:pa55@db.example/clinic"})
    seen = dict(shown(settings))["REMINDERS_DATABASE_URL"]
    assert "pa55" not in seen
    assert "clinic" in seen
    assert "db.example/clinic" in seen


def test_defaults_stand_in_for_what_is_not_set():
    defaults = {"REMINDERS_SENDERS": "4", "REMINDERS_PUBLIC_URL": "http://127.0.0.1:9000"}
    settings = load({"REMINDERS_SENDERS": "8", "REMINDERS_PUBLIC_URL": ""}, defaults)
    assert (settings.senders, settings.public_url) == (8, "http://127.0.0.1:9000")


def test_data_lies_where_the_package_says():
    assert (data_dir() / "templates" / "sms" / "reminder.txt").is_file()
    assert (data_dir() / "locales").is_dir()
