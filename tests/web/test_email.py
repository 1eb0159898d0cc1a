"""E-mail as a channel of the API: in policies, in their documentation, and in stops."""

from __future__ import annotations

from tests.house import Local


def test_a_policy_may_name_every_channel_in_order(alone: Local) -> None:
    steps = [{"offset": "-P1D", "channels": ["sms", "voice", "email"]}, {"offset": "-PT2H", "channels": ["email"]}]
    policy = alone.post("reminder-policies", {"name": "By all means", "steps": steps}, role="admin")
    assert [step["channels"] for step in policy["steps"]] == [["sms", "voice", "email"], ["email"]]
    twice = {"name": "Twice", "steps": [{"offset": "-P1D", "channels": ["email", "email"]}]}
    assert alone.api("POST", "reminder-policies", twice, role="admin").fields == {"steps.0.channels"}


def test_the_documentation_names_it(alone: Local) -> None:
    schemas = alone.send("GET", "/openapi.json", None, {}).json()["components"]["schemas"]
    steps = [schema for name, schema in schemas.items() if name.endswith("StepIn")]
    assert len(steps) >= 2, "of new policies and of changed ones"
    assert all(step["properties"]["channels"]["items"]["enum"] == ["sms", "voice", "email"] for step in steps)


def test_a_patient_may_stop_emails_alone(alone: Local) -> None:
    patient = alone.post("patients", {"name": "Ana", "email": "Ana@example.com"})
    path = f"patients/{patient['id']}"
    assert alone.api("POST", f"{path}/stop", {"channel": "sms", "evidence": "on the phone"}).status == 422
    assert alone.post(f"{path}/stop", {"channel": "email", "evidence": "on the phone"})["opted_out"] == ["email"]
    assert alone.post(f"{path}/start", {"evidence": "on the phone"})["opted_out"] == []
    luis = alone.post("patients", {"name": "Luis", "phone": "+34600000010"})
    refused = alone.api("POST", f"patients/{luis['id']}/stop", {"channel": "email", "evidence": "on the phone"})
    assert (refused.status, refused.fields) == (422, {"channel"})
