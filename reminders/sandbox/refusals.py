"""How Twilio says no: the error codes that the emulated part of its API can answer with.

Codes and their meaning follow public copies of Twilio's error dictionary (https://www.twilio.com/docs/api/errors),
put together on ``AS_OF``.
"""

from __future__ import annotations

from datetime import date

AS_OF = date(2026, 11, 21)

# code: (HTTP status, message; ``{value}`` is the parameter at fault)
_REQUEST_ERRORS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter: {value}"),
    20003: (401, "Authenticate"),
    20403: (403, "The account lacks permission to access the Twilio API"),
    20404: (404, "The requested resource {value} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url parameter is required."),
    21210: (400, "The source phone number provided, {value}, is not yet verified for your account."),
    21211: (400, "The 'To' number {value} is not a valid phone number."),
    21212: (400, "The 'From' number {value} is not a valid phone number."),
    21213: (400, "No 'From' number is specified"),
    21214: (400, "The phone number you are attempting to call, {value}, cannot be reached."),
    21215: (400, "Account not authorized to call {value}."),
    21216: (400, "Account not allowed to call {value}."),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21266: (400, "'To' and 'From' number cannot be the same: {value}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {value}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21612: (400, "Message cannot be sent with the current combination of 'To' {value} and 'From'"),
    21614: (400, "'To' number {value} is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21659: (400, "'From' {value} is not a Twilio phone number or Short Code country mismatch"),
    21701: (400, "The Messaging Service {value} does not exist."),
}

# What ``error_message`` says of a message that was accepted and did not arrive.
DELIVERY_ERRORS: dict[int, str] = {
    21610: "Attempt to send to unsubscribed recipient",
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
}

# What the account's debugger says of webhooks that went wrong.
WEBHOOK_ALERTS: dict[int, str] = {
    11100: "Invalid URL format",
    11200: "HTTP retrieval failure",
    12100: "Document parse failure",
    12200: "Schema validation warning",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


class TwilioError(Exception):
    """A request that Twilio refuses: ``code`` from its dictionary, the HTTP ``status`` and the ``message`` it sends."""

    def __init__(self, code: int, value: str = "") -> None:
        self.code = code
        self.status, text = _REQUEST_ERRORS[code]
        self.message = text.format(value=value)
        super().__init__(self.message)

    def as_json(self) -> dict[str, int | str]:
        """The body Twilio sends with a refusal."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
