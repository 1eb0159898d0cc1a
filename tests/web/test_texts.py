"""/api/v1/texts and the console's pages of texts."""

from __future__ import annotations

import pytest

from tests.house import Local

ONE = "texts/sms/es/reminder"
BODY = "{{ clinic }}: {{ patient }} viene el {{ when }}. Confirme con 1. STOP"


def save(web: Local, body: str = BODY, status: int = 200, **headers: str) -> dict[str, object]:
    answer = web.api("PUT", ONE, {"body": body}, role="admin", **headers)
    assert answer.status == status, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_every_text_is_listed_with_its_facts(alone: Local) -> None:
    items = alone.get("texts", channel="sms", language="es")["items"]
    assert {item["version"] for item in items} == {0}
    reminder = next(item for item in items if item["template"] == "reminder")
    assert reminder["facts"] == ["clinic", "clinic_phone", "patient", "when"]
    assert reminder["body"] == reminder["standard"]
    assert len(alone.get("texts")["items"]) > len(items)


def test_saving_answers_with_the_price(alone: Local) -> None:
    saved = save(alone, "{{ clinic }}: {{ patient }}, sí, el {{ when }}. 1 confirma. STOP")
    check = saved["check"]
    assert isinstance(check, dict)
    assert (check["estimate"]["encoding"], check["estimate"]["segments"]) == ("UCS-2", 2)
    assert check["suggestion"]["replaced"] == {"í": "i"}
    assert check["suggestion"]["estimate"]["segments"] == 1
    assert check["estimate"]["per_month"] == {"amount": "0.00", "currency": "USD"}
    found = alone.get(ONE)
    assert (found["version"], len(found["versions"])) == (1, 1)


def test_versions_and_the_way_back(alone: Local) -> None:
    assert alone.api("GET", ONE).headers["ETag"] == '"0"'
    save(alone, If_Match='"0"')
    assert alone.api("GET", ONE).headers["ETag"] == '"1"'
    assert save(alone, status=412, If_Match='"0"')["code"] == "version_mismatch"
    answer = alone.api("DELETE", ONE, role="admin")
    assert (answer.status, answer.json()["version"]) == (200, 0)
    assert [one["body"] for one in alone.get(ONE)["versions"]] == [None, BODY]


def test_a_refusal_says_why(alone: Local) -> None:
    refused = save(alone, "{{ diagnosis }}", status=422)
    assert refused["code"] == "text_refused"
    assert [reason["code"] for reason in refused["reasons"]] == ["unknown_fact", "missing_fact"]  # type: ignore[attr-defined]
    assert "diagnosis" in str(refused["detail"])


def test_checking_saves_nothing(alone: Local) -> None:
    check = alone.post(f"{ONE}/check", {"body": BODY}, role="admin")
    assert "Maria Lopez viene el" in check["example"]
    assert alone.get(ONE)["version"] == 0


@pytest.mark.parametrize("path", ["texts/sms/es/secret", "texts/sms/xx/reminder", "texts/fax/es/reminder"])
def test_texts_that_do_not_exist(alone: Local, path: str) -> None:
    assert alone.api("GET", path).status == 404
    assert alone.api("PUT", path, {"body": BODY}, role="admin").status == 404


def test_a_test_needs_a_phone(alone: Local) -> None:
    answer = alone.api("POST", f"{ONE}/test", {"phone": "hello"}, role="admin")
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "phone")
    assert alone.api("POST", f"{ONE}/test", {"phone": "600 000 099"}, role="admin").status == 202
