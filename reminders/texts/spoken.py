"""The sentences of a call that a clinic may say in its own words."""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802 - the name Babel looks for
    """Marks a message for Babel; it is translated where it is used."""
    return message


#: By the template that says it, where the same message stands.
SENTENCES = {
    "reminder": N_("The appointment is on %(when)s"),
    "who": N_("Hello. This is %(clinic)s, calling for %(patient)s."),
    "voicemail": N_("Hello. This is %(clinic)s. Please call us back."),
    "goodbye": N_("Goodbye."),
    "confirmed": N_("Thank you. The appointment for %(patient)s on %(when)s is confirmed."),
    "cancelled": N_("The appointment for %(patient)s on %(when)s is cancelled."),
    "moved": N_("Thank you. The appointment for %(patient)s is now on %(when)s."),
    "reschedule": N_("Thank you. We will contact you to find another time for %(patient)s."),
    "late": N_(
        "This close to the appointment it cannot be changed on this call, so nothing has changed. We will contact you."
    ),
    "stopped": N_("You will get no more calls like this on this number."),
    "over": N_("This appointment is over or has changed, so there is nothing left to answer."),
    "not_here": N_("Thank you. Please excuse the call."),
    "times": N_("These other times are free."),
    "transfer": N_("One moment, please. We are connecting you with the clinic."),
    "call_back": N_("Nobody at the clinic can talk right now. We will call you back."),
}
