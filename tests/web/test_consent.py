"""Stops and pauses through the API: what the desk writes down, what it sees, and what it may repeat."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import Local, book

NINE = "2030-05-08T09:00:00+02:00"
TOLD = {"channel": "all", "evidence": "on the phone"}


@pytest.fixture
def visit(web: Local) -> dict[str, Any]:
    return book(web, web.ids, NINE)


def card(web: Local) -> str:
    return f"patients/{web.ids['patient']}"


def states(web: Local, visit: dict[str, Any]) -> set[tuple[str, str]]:
    return {(item["state"], item["reason"]) for item in web.reminders(visit)}


def test_a_stop_told_to_the_desk_and_its_end(web: Local, visit: dict[str, Any]) -> None:
    stopped = web.post(f"{card(web)}/stop", TOLD)
    assert stopped["opted_out"] == ["all"]
    assert states(web, visit) == {("suppressed", "opted_out")}
    (stop,) = stopped["stops"]
    assert stop["evidence"].startswith("desk key_")
    assert stop["evidence"].endswith(": on the phone")
    assert (stop["channel"], stop["message_id"], stop["ended_at"]) == ("all", None, None)
    started = web.post(f"{card(web)}/start", {"channel": "sms", "evidence": "texts are fine"})
    assert started["opted_out"] == ["voice"]
    assert states(web, visit) == {("planned", "due")}
    assert [(one["channel"], bool(one["ended_at"])) for one in started["stops"]] == [("all", True), ("voice", False)]
    assert started["stops"][0]["ended_evidence"].endswith(": texts are fine")
    assert web.get(card(web)) == started
    assert web.get("patients")["items"] == [started]


@pytest.mark.parametrize("change", ["stop", "start"])
def test_repeating_it_changes_nothing(web: Local, change: str) -> None:
    first = web.post(f"{card(web)}/{change}", TOLD)
    assert web.post(f"{card(web)}/{change}", TOLD) == first


@pytest.mark.parametrize("change", ["stop", "start"])
@pytest.mark.parametrize("body", [{}, {"channel": "sms"}, {"channel": "sms", "evidence": "  "}])
def test_nothing_is_written_down_without_what_was_said(web: Local, change: str, body: dict[str, str]) -> None:
    assert web.api("POST", f"{card(web)}/{change}", body).fields == {"evidence"}
    assert web.get(card(web))["stops"] == []


def test_pausing_a_visit(web: Local, visit: dict[str, Any]) -> None:
    path = f"appointments/{visit['id']}"
    assert (visit["paused"], visit["patient_paused"]) == (False, False)
    paused = web.post(f"{path}/pause")
    assert (paused["paused"], paused["version"]) == (True, 2)
    assert web.post(f"{path}/pause") == web.get(path) == paused
    assert all("paused reminders for this visit" in item["sentence"] for item in web.reminders(visit))
    assert web.api("POST", f"{path}/resume", None, If_Match='"1"').status == 412
    assert web.post(f"{path}/resume", None, If_Match='"2"')["paused"] is False
    told = [item["change"] for item in web.get(f"{path}/history")["items"]]
    assert told == ["book", "pause", "resume"]
    web.post(f"{path}/cancel")
    refused = web.api("POST", f"{path}/pause")
    assert (refused.status, refused.code) == (409, "status_conflict")


def test_pausing_a_patient(web: Local, visit: dict[str, Any]) -> None:
    assert web.get(card(web))["paused"] is False
    answer = web.api("POST", f"{card(web)}/pause")
    paused = web.get(card(web))
    assert (paused["paused"], answer.headers["ETag"]) == (True, f'"{paused["version"]}"')
    assert web.post(f"{card(web)}/pause") == paused
    assert web.get(f"appointments/{visit['id']}")["patient_paused"] is True
    assert all("paused reminders for this patient" in item["sentence"] for item in web.reminders(visit))
    assert web.api("POST", f"{card(web)}/resume", None, If_Match='"1"').status == 412
    assert web.post(f"{card(web)}/resume")["paused"] is False
    told = [item["change"] for item in web.get(f"appointments/{visit['id']}/history")["items"]]
    assert told == ["book", "pause-patient", "resume-patient"]


@pytest.mark.parametrize(
    ("first", "then", "body"), [("stop", "start", TOLD), ("start", "stop", TOLD), ("pause", "resume", None)]
)
def test_what_is_repeated_with_its_key_does_not_undo_what_came_after(
    web: Local, first: str, then: str, body: dict[str, Any] | None
) -> None:
    web.post(f"{card(web)}/{first}", body, Idempotency_Key="one")
    after = web.post(f"{card(web)}/{then}", body)
    again = web.post(f"{card(web)}/{first}", body, Idempotency_Key="one")
    assert (again["opted_out"], again["paused"]) == (after["opted_out"], after["paused"])
    assert web.get(card(web)) == after


def test_a_pause_repeated_with_its_key_does_not_undo_the_resume(web: Local, visit: dict[str, Any]) -> None:
    path = f"appointments/{visit['id']}"
    web.post(f"{path}/pause", None, Idempotency_Key="one")
    web.post(f"{path}/resume")
    assert web.post(f"{path}/pause", None, Idempotency_Key="one")["paused"] is False
