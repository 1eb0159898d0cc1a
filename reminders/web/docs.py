"""/docs: the API on one page, made from the OpenAPI document, without scripts from elsewhere."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flask import Blueprint, current_app, render_template

from reminders.web.auth import public

bp = Blueprint("docs", __name__, static_folder="static", static_url_path="/static")


@bp.get("/docs")
@public("describes the API; holds no data")
def docs() -> str:
    """Every route with its parameters and answers."""
    spec: dict[str, Any] = current_app.spec  # type: ignore[attr-defined]
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                groups[operation.get("tags", ["Other"])[0]].append(
                    {"path": path, "method": method.upper(), **operation}
                )
    return render_template("docs.html", spec=spec, groups=groups)
