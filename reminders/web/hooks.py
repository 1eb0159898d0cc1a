"""/hooks/twilio: incoming texts, status callbacks and calls. Signature first; then once, by the provider's id."""

from __future__ import annotations

from flask import Blueprint, Response, request
from twilio.twiml.messaging_response import MessagingResponse

from reminders.domain.call import Step
from reminders.errors import Forbidden, NotFound
from reminders.gateways.twilio import answered_by, callback_report
from reminders.services.calls import Heard
from reminders.services.replies import Incoming
from reminders.web.auth import public
from reminders.web.context import use_cases

bp = Blueprint("hooks", __name__, url_prefix="/hooks/twilio")

_SIGNED = "signed by Twilio"
_MOST_FIELDS = 200


class BadSignature(Forbidden):
    """The request was not signed with our account's secret."""

    code = "bad_signature"
    sentence = "The signature does not match."


@bp.post("/sms")
@public(_SIGNED)
def sms() -> Response:
    """A patient's text; the answer goes back as TwiML."""
    form = _verified()
    sid, phone = form.get("MessageSid", ""), form.get("From", "")
    if not sid or not phone:
        raise BadSignature("This is not a message.")
    use_cases().catalogue.refresh()
    said = use_cases().replies.receive(Incoming(sid, phone, form.get("Body", ""), form.get("OptOutType", "")))
    twiml = MessagingResponse()
    if said is not None:
        twiml.message(said)
    return _xml(str(twiml))


@bp.post("/status/<token>")
@public(_SIGNED)
def status(token: str) -> Response:
    """What became of a message or call. Unknown ones are answered with 204 too, so that the provider stops asking."""
    form = _verified()
    try:
        report = callback_report(form)
    except ValueError:
        return Response(status=204)
    use_cases().outcomes.callback(token, report)
    return Response(status=204)


@bp.post("/voice/<token>")
@public(_SIGNED)
def voice(token: str) -> Response:
    """What to say on a call, and what a key or a word means."""
    heard = _heard(_verified())
    use_cases().catalogue.refresh()
    calls = use_cases().calls
    answers = heard.key or heard.speech or heard.dialled
    try:
        return _xml(calls.answered(token, heard) if answers else calls.script(token, heard))
    except NotFound:
        return _xml("<Response><Hangup/></Response>")


def _heard(form: dict[str, str]) -> Heard:
    """The form fields follow https://www.twilio.com/docs/voice/twiml/gather and …/dial; the query is our own."""
    step, tries, talked = request.args.get("step", ""), request.args.get("tries", ""), form.get("DialCallDuration", "")
    return Heard(
        sid=form.get("CallSid", ""), path=request.path, key=form.get("Digits", ""), speech=form.get("SpeechResult", ""),
        step=Step(step) if step in set(Step) else Step.VISIT, tries=int(tries) if tries in {"1", "2"} else 0,
        answered_by=answered_by(form.get("AnsweredBy")), dialled=form.get("DialCallStatus", ""),
        dialled_seconds=int(talked) if talked.isascii() and talked.isdigit() and len(talked) < 7 else 0,
    )  # fmt: skip


def _verified() -> dict[str, str]:
    """The form of a request that Twilio signed; 403 for anything else, whatever is wrong with it."""
    query = request.query_string.decode(errors="replace")
    url = use_cases().settings.public_url + request.path + (f"?{query}" if query else "")
    if len(request.form) > _MOST_FIELDS:
        raise BadSignature()
    if not use_cases().signature.is_valid(url, request.form, request.headers.get("X-Twilio-Signature", "")):
        raise BadSignature()
    return {name: value.replace("\x00", "") for name, value in request.form.items()}


def _xml(text: str) -> Response:
    return Response(text, mimetype="text/xml")
