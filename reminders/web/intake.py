"""How a request's JSON is read: strictly, and never with an error that is not the caller's."""

from __future__ import annotations

import json
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from reminders.errors import Invalid


class ApiRequest(Request):
    """A request whose body, if there is one, is a JSON object that says so in its Content-Type (RFC 8259).

    No body at all counts as an empty object: ``POST …/confirm`` needs none.
    """

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002
        """The object sent; 415 for another media type, 400 for what is not JSON, ``Invalid`` for another value."""
        data = self.get_data(cache=True)
        if not data.strip():
            return {}
        if not self.is_json:
            raise UnsupportedMediaType()
        try:
            value = json.loads(data, parse_constant=_refuse)
        except (ValueError, RecursionError) as problem:
            raise BadRequest() from problem
        if not isinstance(value, dict):
            raise Invalid("The body must be a JSON object.", field="body")
        return value


def _refuse(constant: str) -> Any:
    """NaN and Infinity are numbers to Python's parser, but not in JSON."""
    raise ValueError(constant)
