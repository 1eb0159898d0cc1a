"""The service keeps to its own description: generated requests, valid and invalid, against /openapi.json."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from tests.house import Local, book, clinic, local

load_all_checks()
EXAMPLES = 5
ANY = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
       "response_schema_conformance"]  # fmt: skip
NOUNS = {"locations": "location", "providers": "provider", "services": "service", "reminder-policies": "policy"}


@pytest.fixture(scope="module")
def described(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    path = tmp_path_factory.mktemp("openapi") / "reminders.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with local(f"sqlite:///{path}") as web:
        web.ids = clinic(web)
        web.ids["visit"] = book(web, web.ids, "2030-05-08T09:00:00+02:00")["id"]
        yield web


@pytest.mark.parametrize(
    ("mode", "more"),
    [(GenerationMode.POSITIVE, []), (GenerationMode.NEGATIVE, ["negative_data_rejection"])],
    ids=["valid", "invalid"],
)  # fmt: skip
def test_generated_requests(described: Local, mode: GenerationMode, more: list[str]) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", described.client.application)
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        # Queries have no form in which every violation could be written down, bodies have.
        checks = CHECKS.get_by_names([*ANY, *(more if operation.body else [])])
        try:
            cases = operation.as_strategy(generation_mode=mode)
        except schemathesis.errors.SchemathesisError:
            continue
        _try(described, cases, checks, known=mode is GenerationMode.POSITIVE)
        seen += 1
    assert seen > 40


def _try(web: Local, cases: Any, checks: Any, *, known: bool) -> None:
    """Send a few of ``cases``; half of them about records that exist when ``known``."""
    headers = {"Authorization": f"Bearer {web.key('admin')}"}

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=cases, exists=st.booleans())
    def check(case: Any, exists: bool) -> None:
        if known and exists:
            _about_what_exists(case, web)
        case.call_and_validate(headers=headers, checks=checks)

    check()


def _about_what_exists(case: Any, web: Local) -> None:
    """Point a generated request at records that are there, so that it gets past "not found"."""
    for name in case.path_parameters or {}:
        noun = {"visit_id": "visit", "patient_id": "patient"}.get(name) or NOUNS.get(case.path.split("/")[3], "")
        if noun in web.ids:
            case.path_parameters[name] = web.ids[noun]
    for place in (case.body, case.query):
        for name in ("service_id", "provider_id", "patient_id", "location_id"):
            if isinstance(place, dict) and name in place:
                place[name] = web.ids[name.removesuffix("_id")]
