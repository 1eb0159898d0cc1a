"""Twilio's statuses and error codes in our words: what a refusal means for the request, the recipient and the account.

Source: Twilio's Error and Warning Dictionary (https://www.twilio.com/docs/api/errors) and its API reference, read
2026-11-22. What is in no table is transient: asked again, with growing pauses, until the reminder's deadline. Examples:
10004, 20429, 21611, 22005, 30001, 60728, 63038 (too much at once or today) and 20500, 20503 (Twilio's own trouble).
"""

from __future__ import annotations

import json
from math import isfinite

from reminders.domain.call import AnsweredBy
from reminders.domain.delivery import State
from reminders.errors import GatewayError
from reminders.gateways.wire import Answer

#: Message.status and Call.status in our words. What is not final counts as sent: it is in Twilio's hands.
STATUS: dict[str, State] = {
    "accepted": State.SENT, "scheduled": State.SENT, "queued": State.SENT, "sending": State.SENT, "sent": State.SENT,
    "delivered": State.DELIVERED, "read": State.DELIVERED, "undelivered": State.FAILED, "failed": State.FAILED,
    "initiated": State.SENT, "ringing": State.SENT, "in-progress": State.SENT, "completed": State.DELIVERED,
    "busy": State.FAILED, "no-answer": State.FAILED, "canceled": State.FAILED,
}  # fmt: skip

#: AnsweredBy of a call with machine detection, in our words.
ANSWERED_BY: dict[str, AnsweredBy] = {
    "human": AnsweredBy.HUMAN, "machine_start": AnsweredBy.MACHINE, "machine_end_beep": AnsweredBy.MACHINE,
    "machine_end_silence": AnsweredBy.MACHINE, "machine_end_other": AnsweredBy.MACHINE, "fax": AnsweredBy.FAX,
    "unknown": AnsweredBy.UNKNOWN,
}  # fmt: skip

#: Twilio's own "stop" list knows this recipient.
OPTED_OUT = frozenset({21610})

#: Asking again for the same recipient and channel cannot help.
PERMANENT = frozenset({
    10005,  # voice calls are disabled for this account: another channel may still work
    13224,  # calls to this number are not supported
    13225,  # calls to this number are blocked
    21211,  # not a valid To number
    21214,  # To number cannot be reached
    21215,  # calls to this region are not permitted
    21216,  # calls to this number are not permitted
    21217,  # phone number does not appear to be valid
    21219,  # trial account: To number of a call is not verified
    21265,  # To number cannot be a short code
    21266,  # To and From are the same number
    21408,  # no permission for this region
    21602,  # body is missing
    21604,  # To number is missing
    21608,  # trial account: To number of a message is not verified
    21612,  # no route from sender to recipient
    21614,  # not a mobile number
    21617,  # body is too long
    21635,  # landline
    572005,  # trial account: To number of a message has not finished its verification
    573005,  # trial account: To number of a call has not finished its verification
})  # fmt: skip

#: The number itself is the problem (unknown, or a landline that takes no texts), so the card of the patient should say
#: so. Also delivery errors of callbacks; 30003, a phone that is switched off, is not among them.
BAD_NUMBER = frozenset({13224, 21211, 21214, 21217, 21614, 21635, 30005, 30006})

#: Twilio refuses the account, whatever the request: wrong credentials, suspended, closed, out of funds.
ACCOUNT = frozenset({
    10001,  # account is not active: no funds, suspended, or its parent is
    20003,  # credentials are wrong, or the account is suspended or closed
    20005,  # account is not active: no funds, or a trial that was not begun
    20006,  # these credentials have no right to this resource
    20403,  # the account may not use the API: suspended or closed
    30002,  # delivery error: the account was suspended before the message was sent
    70051,  # authorization failed: account or key unknown or suspended, or key without this right
    90010,  # account is not active
})  # fmt: skip

#: Our sender is at fault, not the recipient. Transient, since a correction of the configuration in time still helps; not
#: of the account, since the other channel may have another sender and the account itself answers well.
SENDER = frozenset({
    21210,  # From number of a call is not verified
    21212,  # not a valid From number
    21213,  # From number of a call is missing
    21601,  # From number is no SMS number of this account
    21603,  # From number of a message is missing
    21606,  # From number cannot send messages for this destination or account
    21607,  # trial account: From must be its trial number
    21659,  # From is no Twilio number, or a short code of another country
    21660,  # From number belongs to another account
    21661,  # From number cannot send SMS
    21701,  # no such Messaging Service in this account
    21703,  # the Messaging Service has no number available
    21704,  # the Messaging Service has no numbers
    21705,  # not the SID of a Messaging Service
    572002,  # trial account: From is not the number assigned to the recipient of a message
    573002,  # trial account: From is not the number assigned to the recipient of a call
})  # fmt: skip

#: Test credentials are good for sending and for nothing else (https://www.twilio.com/docs/iam/test-credentials).
TEST_CREDENTIALS = 20008

TOO_MANY_REQUESTS = 20429


def refusal(answer: Answer, *, writing: bool) -> GatewayError:
    """What an answer other than 2xx means. ``writing``: the request would have made a message or call."""
    status, code = answer.status, code_of(answer.body)
    if status == 429:  # by its documentation never carried out
        return GatewayError(
            "The message service takes no more requests now.",
            provider_code=code or TOO_MANY_REQUESTS, retry_after=_retry_after(answer),
        )  # fmt: skip
    if status >= 500:
        return GatewayError(
            "The message service failed.", sent_unknown=writing, provider_code=code, retry_after=_retry_after(answer)
        )
    if is_of_account(status, code):
        return GatewayError(
            f"The message service refuses the account: error {code or status}.", account=True, provider_code=code
        )
    who = "refuses the sender" if code in SENDER else "refused"
    return GatewayError(
        f"The message service {who}: error {code or status}.",
        permanent=code in PERMANENT or code in OPTED_OUT, opted_out=code in OPTED_OUT, provider_code=code,
    )  # fmt: skip


def is_of_account(status: int, code: int | None) -> bool:
    """A known code decides. Without one, 401 and 403 mean the credentials; 403 with a code that is in no table may
    concern this one request, and does not stop all others."""
    return code in ACCOUNT or status == 401 or (status == 403 and code in (None, 403))


def code_of(body: bytes) -> int | None:
    """``code`` of Twilio's error document, in its older and its newer form (RFC 9457)."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return None
    code = payload.get("code") if isinstance(payload, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) and code > 0 else None


def _retry_after(answer: Answer) -> float | None:
    """``Retry-After`` in seconds; Twilio does not use its other form, a date."""
    try:
        seconds = float(answer.headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if isfinite(seconds) else None
