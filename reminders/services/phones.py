"""Phone numbers as people write them, read in the country of their clinic."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from reminders.errors import Invalid


def calling_code(country: str) -> str:
    """The code that numbers of ``country`` (ISO 3166-1 alpha-2) begin with, such as +34."""
    return f"+{phonenumbers.country_code_for_region(country)}"


@lru_cache(maxsize=64)  # the same number is read several times on its way in
def e164(text: str, country: str) -> str:
    """``text`` as E.164; national numbers are read in ``country`` (ISO 3166-1 alpha-2). ``Invalid`` when it cannot be
    a phone number. Numbers reserved for fiction pass: only length and prefix are checked."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as problem:
        raise Invalid("This is not a phone number.", field="phone") from problem
    # a number that can only be dialled within its town is "possible" too, but nobody else reaches it
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise Invalid("This phone number has too few or too many digits.", field="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
