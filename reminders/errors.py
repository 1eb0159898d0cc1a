"""Every error the product raises on purpose.

An error has a stable ``code`` (part of the API), one helpful sentence and optional facts. Its *kind* (the base class)
says what happened; only ``web/problems.py`` knows which HTTP status that is.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ReminderError(Exception):
    """Base of all expected errors. ``facts`` go out with the problem document and never hold personal data."""

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "The request could not be carried out."

    def __init__(self, sentence: str | None = None, **facts: Any) -> None:
        self.message = sentence or self.sentence
        self.facts = facts
        super().__init__(self.message)


class Invalid(ReminderError):
    """The input cannot be accepted; ``field`` names the part at fault."""

    code = "invalid"
    sentence = "Some of the values sent cannot be accepted."

    def __init__(self, sentence: str | None = None, *, field: str | None = None, **facts: Any) -> None:
        super().__init__(sentence, **facts)
        self.field = field


class NotFound(ReminderError):
    """No such thing, or not one that this key may see."""

    code = "not_found"
    sentence = "There is nothing with this id."


class Conflict(ReminderError):
    """The request is fine, but the present state does not allow it."""

    code = "conflict"
    sentence = "The present state does not allow this."


class Stale(ReminderError):
    """``If-Match`` named a version that is no longer the current one."""

    code = "version_mismatch"
    sentence = "Somebody changed this in the meantime; read it again before changing it."


class Unauthenticated(ReminderError):
    """No key, or one we do not know."""

    code = "unauthenticated"
    sentence = "Send a valid API key in the Authorization header: Bearer KEY."


class Forbidden(ReminderError):
    """The key is known but its role does not include this."""

    code = "forbidden"
    sentence = "This key's role does not include this."


class Throttled(ReminderError):
    """Asked too often; it may be asked again later."""

    code = "too_many_tries"
    sentence = "Too many tries. Please wait a quarter of an hour."


class SlotTaken(Conflict):
    """The database refused an overlapping visit; ``alternatives`` lists what else is free."""

    code = "slot_taken"
    sentence = "This time is no longer free."


class OutsideHours(Conflict):
    """The provider does not see patients at this time (hours, break, holiday, notice or horizon)."""

    code = "slot_not_offered"
    sentence = "This time is not offered for this service and provider."


class IllegalTransition(Conflict):
    """The status machine of visits has no such step."""

    code = "status_conflict"
    sentence = "A visit in this status cannot be changed this way."


class KeyReused(Invalid):
    """The same ``Idempotency-Key`` came with another request."""

    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for a different request."


class NaiveTime(Invalid):
    """A time without a UTC offset."""

    code = "naive_time"
    sentence = "Times need a UTC offset, for example 2030-05-06T09:00:00+02:00."


class LearnerMissing(ReminderError):
    """What trains models is an optional part, and it is not installed."""

    code = "learner_missing"
    sentence = "Training needs scikit-learn, which is not installed: pip install 'reminders[risk]'."


class TooLittleHistory(ReminderError):
    """There are too few visits whose end is known to learn from them; ``lacking`` says what is missing."""

    code = "too_little_history"
    sentence = "There are too few past visits to learn from."


class ConfigurationError(ReminderError):
    """The environment does not describe a service that can run."""

    code = "configuration"
    sentence = "The configuration is not complete."


class GatewayError(ReminderError):
    """A vendor did not do what we asked.

    ``permanent``: asking again cannot help. ``sent_unknown``: the request may have been carried out, so it must be
    reconciled before it is repeated. ``account``: the vendor refuses the whole account (credentials, suspended, no
    funds), whatever the request. ``provider_code`` is the vendor's own number.
    """

    code = "gateway"
    sentence = "The message service did not accept the request."

    def __init__(
        self,
        sentence: str | None = None,
        *,
        permanent: bool = False,
        sent_unknown: bool = False,
        opted_out: bool = False,
        account: bool = False,
        provider_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.permanent = permanent
        self.sent_unknown = sent_unknown
        self.opted_out = opted_out
        self.account = account
        self.provider_code = provider_code
        self.retry_after = retry_after
