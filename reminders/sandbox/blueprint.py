"""The sandbox over HTTP."""

from __future__ import annotations

from apiflask import APIBlueprint

from reminders.sandbox.pages import PhonePages
from reminders.sandbox.rest import RestApi
from reminders.sandbox.state import Sandbox


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
