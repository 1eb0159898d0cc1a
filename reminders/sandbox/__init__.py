"""A local Twilio: the part of its REST API that the product uses, with phones on a web page.

Mounted at ``/sandbox``, so that ``TWILIO_API_URL`` is the application's own address followed by ``/sandbox``.
"""

from __future__ import annotations

from apiflask import APIBlueprint

from reminders.sandbox.pages import PhonePages
from reminders.sandbox.records import Faults, Phone, SandboxCall, SandboxMessage
from reminders.sandbox.rest import RestApi
from reminders.sandbox.state import Sandbox

__all__ = ["Faults", "Phone", "Sandbox", "SandboxCall", "SandboxMessage", "create_blueprint"]


def create_blueprint(sandbox: Sandbox) -> APIBlueprint:
    """Everything over HTTP: the API at ``/sandbox/2010-04-01``, the phones at ``/sandbox/``, their style at
    ``/sandbox/static``. The application's Jinja loader must know the folder ``templates/pages``.
    """
    whole = APIBlueprint(
        "sandbox",
        __name__,
        url_prefix="/sandbox",
        static_folder="static",
        static_url_path="/static",
        enable_openapi=False,  # Twilio's API is not the product's
    )
    whole.register_blueprint(RestApi(sandbox).blueprint())
    whole.register_blueprint(PhonePages(sandbox).blueprint())
    return whole
