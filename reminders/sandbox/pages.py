"""The phones as web pages: read what was sent, answer it, press keys during a call.

There is no login, as there is none on a phone lying on a table; other sites cannot post here all the same.
"""

from __future__ import annotations

import re
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from reminders.sandbox.behaviours import BEHAVIOURS, is_e164
from reminders.sandbox.records import SandboxCall, SandboxMessage
from reminders.sandbox.refusals import DELIVERY_ERRORS, WEBHOOK_ALERTS, TwilioError
from reminders.sandbox.state import Sandbox

LONGEST_TEXT = 1600


class PhonePages:
    """Views over one ``Sandbox``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def blueprint(self) -> APIBlueprint:
        """Routes of the phones page."""
        routes = APIBlueprint("pages", __name__, enable_openapi=False)
        routes.before_request(refuse_other_sites)
        routes.after_request(_let_pages_work)
        routes.register_error_handler(TwilioError, self._unknown)
        routes.get("/")(self.phones)
        routes.get("/open")(self.open)
        routes.get("/phones/<digits>")(self.conversation)
        routes.post("/phones/<digits>/reply")(self.reply)
        routes.post("/phones/<digits>/behaviour")(self.behaviour)
        routes.post("/calls/<sid>/press")(self.press)
        routes.post("/calls/<sid>/say")(self.say)
        routes.post("/calls/<sid>/hang-up")(self.hang_up)
        return routes

    def phones(self) -> str:
        wanted = request.args.get("q", "").strip()
        return render_template(
            "sandbox/phones.html",
            phones=self._sandbox.phones(re.sub(r"[\s().-]", "", wanted)),
            wanted=wanted,
            alerts=self._sandbox.alerts(),
            alert_texts=WEBHOOK_ALERTS,
            account=self._sandbox.account,
        )

    def open(self) -> BaseResponse:
        """Take up any phone, also one that nobody has written to yet."""
        number = "+" + "".join(filter(str.isdigit, request.args.get("number", "")))
        if not is_e164(number):
            abort(HTTPStatus.BAD_REQUEST, "Write the number with its country code, for example +1 202 555 0100.")
        return redirect(url_for(".conversation", digits=number[1:]))

    def conversation(self, digits: str) -> str:
        number = _number(digits)
        self._sandbox.mark_read(number)
        entries = self._sandbox.conversation(number)
        return render_template(
            "sandbox/phone.html",
            phone=self._sandbox.phone(number),
            entries=entries,
            busy=any(_under_way(entry) for entry in entries),
            behaviours=BEHAVIOURS,
            error_texts=DELIVERY_ERRORS,
            account=self._sandbox.account,
            longest=LONGEST_TEXT,
            is_call=lambda entry: isinstance(entry, SandboxCall),
        )

    def reply(self, digits: str) -> BaseResponse:
        number = _number(digits)
        body = request.form.get("body", "").replace("\r\n", "\n")[:LONGEST_TEXT]
        if body.strip():
            self._sandbox.reply(number, body)
        return _back_to(number)

    def behaviour(self, digits: str) -> BaseResponse:
        number = _number(digits)
        name = request.form.get("behaviour", "")
        if name not in BEHAVIOURS:
            abort(HTTPStatus.BAD_REQUEST)
        self._sandbox.set_behaviour(number, name)
        return _back_to(number)

    def press(self, sid: str) -> BaseResponse:
        call = self._sandbox.call(sid)
        # The question may be over before the key was pressed; the page then shows how the call went on.
        with suppress(ValueError):
            self._sandbox.press(sid, request.form.get("digits", "").strip())
        return _back_to(call.phone)

    def say(self, sid: str) -> BaseResponse:
        call = self._sandbox.call(sid)
        with suppress(ValueError):  # too late, or nothing was said
            self._sandbox.say(sid, request.form.get("words", "")[:LONGEST_TEXT])
        return _back_to(call.phone)

    def hang_up(self, sid: str) -> BaseResponse:
        return _back_to(self._sandbox.hang_up(sid).phone)

    def _unknown(self, error: TwilioError) -> Response:
        return Response(error.message, HTTPStatus.NOT_FOUND, mimetype="text/plain")


def refuse_other_sites() -> None:
    """Answer 403 to a post that a page of another site sent; https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site.

    Browsers always say where such a post comes from; programs, which say nothing, are let in.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    foreign = urlsplit(origin or "").netloc != request.host if site is None else site not in {"same-origin", "none"}
    if foreign and (site, origin) != (None, None):
        abort(HTTPStatus.FORBIDDEN)


def _let_pages_work(response: BaseResponse) -> BaseResponse:
    """The phones update themselves by a script of their own, and say to themselves where a post comes from."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _number(digits: str) -> str:
    number = f"+{digits}"
    if not is_e164(number):
        abort(HTTPStatus.NOT_FOUND)
    return number


def _back_to(number: str) -> BaseResponse:
    return redirect(url_for(".conversation", digits=number[1:], _anchor="newest"), HTTPStatus.SEE_OTHER)


def _under_way(entry: SandboxMessage | SandboxCall) -> bool:
    return not entry.final and not (isinstance(entry, SandboxCall) and (entry.expects_digits or entry.expects_speech))
