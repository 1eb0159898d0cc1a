"""What APIFlask cannot know about our OpenAPI document: keys, problems, and the headers of changes."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask

from reminders.web.schemas.base import ID_PATTERN, Problem

_API = "/api/v1/"
_PROBLEM = {
    "description": "What went wrong (RFC 9457); `code` is stable",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_ONCE = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "A repeat of the same request with the same key takes effect once and gets the same answer",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}  # fmt: skip
_IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "The ETag last seen; 412 (409 for records of other systems) when somebody changed it since",
    "schema": {"type": "string"},
}  # fmt: skip
_ETAG = {"ETag": {"description": "The version, for If-Match", "schema": {"type": "string"}}}
_CHANGES = f"{_API}appointments/{{visit_id}}/"
_VERSIONED = frozenset({"VisitOut", "PatientOut", "ExternalPatientOut", "ExternalVisitOut"})
#: Names that other systems gave: anything but a slash.
_THEIRS = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^/]+$"}


def install(app: APIFlask) -> None:
    """Complete the document whenever it is made."""
    app.spec_processor(complete)


def complete(spec: Any) -> Any:
    """``spec`` with security, problems and headers."""
    schemas = spec["components"]["schemas"]
    for name in ("ValidationError", "HTTPError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/Problem.{model}")
    spec["security"] = [{"key": []}]
    for path, operations in spec["paths"].items():
        if path.startswith(_API):
            for method, operation in operations.items():
                _complete(method, path, operation, schemas)
    return spec


def _complete(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    responses = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
    operation["responses"] = responses | {"default": _PROBLEM}
    versioned = any(_schema(answer) in _VERSIONED for answer in responses.values())
    if versioned:
        for answer in responses.values():
            answer["headers"] = _ETAG
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["schema"] = (
                _THEIRS if parameter["name"] == "external_id" else {"type": "string", "pattern": ID_PATTERN}
            )
    body = operation.get("requestBody")
    if body is not None:
        body["required"] = bool({"required", "oneOf"} & schemas[_schema(body)].keys())
    if method == "post":
        operation["parameters"] = [*operation.get("parameters", []), _ONCE]
    if versioned and (method in ("patch", "put") or path.startswith(_CHANGES)):
        operation["parameters"] = [*operation.get("parameters", []), _IF_MATCH]


def _schema(part: dict[str, Any]) -> str:
    """The name of the schema of a JSON body."""
    reference = part.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return str(reference).rsplit("/", 1)[-1]
