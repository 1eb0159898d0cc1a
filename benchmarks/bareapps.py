"""The least a Python web server can do: the floor that measurements of the product are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

_BODY = b'{"status":"ok"}'


def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """No framework at all: what remains is granian and the load generator."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))])
    return [_BODY]


def flask_app() -> Flask:
    """One route with a parameter and a JSON answer, no database, no key."""
    app = Flask(__name__)

    @app.get("/appointments/<int:number>")
    def appointment(number: int) -> dict[str, Any]:
        return {"id": number, "status": "booked", "confirmation": "unconfirmed", "version": 1}

    return app
