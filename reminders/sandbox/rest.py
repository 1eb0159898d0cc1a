"""The part of Twilio's REST API that the product uses, over HTTP and with Twilio's own field names.

https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/voice/api/call-resource and
https://www.twilio.com/docs/iam/api/account.
"""

from __future__ import annotations

import hmac
from datetime import timedelta

from apiflask import APIBlueprint
from flask import Response, jsonify, request

from reminders.sandbox.callbacks import API_VERSION
from reminders.sandbox.listing import CallFilter, MessageFilter, page_request, window
from reminders.sandbox.messaging import MessageRequest
from reminders.sandbox.records import CallStatus
from reminders.sandbox.refusals import TwilioError
from reminders.sandbox.resources import account_json, account_path, call_json, list_json, message_json
from reminders.sandbox.state import Sandbox
from reminders.sandbox.voice import CallRequest

_PAGING = ("PageSize", "Page", "PageToken")
_LONGEST_RING = 600  # seconds


class RestApi:
    """Views over one ``Sandbox``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._account = sandbox.account

    def blueprint(self) -> APIBlueprint:
        """Routes below ``/2010-04-01``."""
        routes = APIBlueprint("rest", __name__, enable_openapi=False, url_prefix=f"/{API_VERSION}")
        own = f"/Accounts/{self._account.sid}"
        routes.before_request(self._guard)
        routes.register_error_handler(TwilioError, self._refuse)
        routes.get(f"{own}.json")(self.account)
        routes.get(f"{own}/Messages.json")(self.list_messages)
        routes.post(f"{own}/Messages.json")(self.create_message)
        routes.get(f"{own}/Messages/<sid>.json")(self.message)
        routes.get(f"{own}/Calls.json")(self.list_calls)
        routes.post(f"{own}/Calls.json")(self.create_call)
        routes.get(f"{own}/Calls/<sid>.json")(self.call)
        routes.post(f"{own}/Calls/<sid>.json")(self.update_call)
        routes.route("/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])(self.nothing)
        return routes

    def _guard(self) -> None:
        if self._sandbox.take_fault("too_many_requests"):
            raise TwilioError(20429)
        given = request.authorization
        user, password = (given.username or "", given.password or "") if given else ("", "")
        # Both are compared always, so that the time taken tells nothing about which was wrong.
        known = hmac.compare_digest(user.encode(), self._account.sid.encode())
        if not hmac.compare_digest(password.encode(), self._account.auth_token.encode()) or not known:
            raise TwilioError(20003)
        if self._sandbox.faults.suspended and not request.path.endswith(f"{account_path(self._account)}.json"):
            raise TwilioError(20403)

    def _refuse(self, error: TwilioError) -> Response:
        response = jsonify(error.as_json())
        response.status_code = error.status
        if error.code == 20003:
            response.headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
        if error.code == 20429:
            response.headers["Retry-After"] = str(self._sandbox.faults.retry_after)
        return response

    def nothing(self, rest: str) -> Response:
        raise TwilioError(20404, f"/{API_VERSION}/{rest}")

    def account(self) -> Response:
        return jsonify(account_json(self._account, suspended=self._sandbox.faults.suspended))

    def create_message(self) -> tuple[Response, int]:
        form = request.form
        message = self._sandbox.create_message(
            MessageRequest(
                to=form.get("To", "").strip(),
                from_=form.get("From", "").strip(),
                messaging_service_sid=form.get("MessagingServiceSid", "").strip(),
                body=form.get("Body", ""),
                status_callback=form.get("StatusCallback", ""),
                smart_encoded=form.get("SmartEncoded", "").lower() == "true",
            )
        )
        self._maybe_drop()
        return jsonify(message_json(self._account, message)), 201

    def message(self, sid: str) -> Response:
        return jsonify(message_json(self._account, self._sandbox.message(sid)))

    def list_messages(self) -> Response:
        args = request.args
        wanted = page_request(args)
        page = self._sandbox.messages(
            MessageFilter(to=args.get("To", ""), from_=args.get("From", ""), sent=window(args, "DateSent")), wanted
        )
        items = [message_json(self._account, message) for message in page.items]
        return jsonify(
            list_json(f"{account_path(self._account)}/Messages.json", "messages", items, wanted, page, _filters())
        )

    def create_call(self) -> tuple[Response, int]:
        form = request.form
        call = self._sandbox.create_call(
            CallRequest(
                to=form.get("To", "").strip(),
                from_=form.get("From", "").strip(),
                url=form.get("Url", ""),
                twiml=form.get("Twiml", ""),
                status_callback=form.get("StatusCallback", ""),
                events=tuple(form.getlist("StatusCallbackEvent")),
                machine_detection=form.get("MachineDetection", ""),
                ring_for=timedelta(seconds=_ring_time(form.get("Timeout", ""))),
            )
        )
        self._maybe_drop()
        return jsonify(call_json(self._account, call)), 201

    def call(self, sid: str) -> Response:
        return jsonify(call_json(self._account, self._sandbox.call(sid)))

    def update_call(self, sid: str) -> Response:
        try:
            status = CallStatus(request.form.get("Status", ""))
        except ValueError as error:
            raise TwilioError(20001, "Status") from error
        if status not in (CallStatus.CANCELED, CallStatus.COMPLETED):
            raise TwilioError(20001, "Status")
        return jsonify(call_json(self._account, self._sandbox.stop_call(sid, status)))

    def list_calls(self) -> Response:
        args = request.args
        wanted = page_request(args)
        page = self._sandbox.calls(
            CallFilter(
                to=args.get("To", ""),
                from_=args.get("From", ""),
                status=args.get("Status", ""),
                parent=args.get("ParentCallSid", ""),
                started=window(args, "StartTime"),
                ended=window(args, "EndTime"),
            ),
            wanted,
        )
        items = [call_json(self._account, call) for call in page.items]
        return jsonify(list_json(f"{account_path(self._account)}/Calls.json", "calls", items, wanted, page, _filters()))

    def _maybe_drop(self) -> None:
        # The record is kept: for the client this looks like a connection that broke after Twilio had accepted.
        if self._sandbox.take_fault("drop_after_accept"):
            raise TwilioError(20500)


def _filters() -> dict[str, str]:
    return {name: value for name, value in request.args.items() if name not in _PAGING}


def _ring_time(text: str) -> int:
    return min(int(text), _LONGEST_RING) if text.isascii() and text.isdigit() else 60
