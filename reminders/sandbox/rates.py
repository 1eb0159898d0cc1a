"""What the emulated Twilio charges. It plays the vendor, so it is on purpose not the product's own rate card.

Amounts are US dollars. Those of texts in the United States were compared with a public price list of ``AS_OF``, all
others are only of a likely size: good for rehearsing reports, not for quoting. A message is charged per segment, a call
per minute begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reminders.domain.sms import segments

AS_OF = date(2026, 4, 1)
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Rate:
    """Prices of one calling code; ``country`` is the ISO 3166 code that webhooks carry ("" where it is not certain)."""

    country: str
    outbound_sms: Decimal
    inbound_sms: Decimal
    voice_minute: Decimal


def _rate(country: str, outbound_sms: str, inbound_sms: str, voice_minute: str) -> Rate:
    return Rate(country, Decimal(outbound_sms), Decimal(inbound_sms), Decimal(voice_minute))


RATES: dict[str, Rate] = {
    "+1": _rate("US", "0.0079", "0.0075", "0.0140"),
    "+31": _rate("NL", "0.1011", "0.0075", "0.0420"),
    "+33": _rate("FR", "0.0798", "0.0075", "0.0300"),
    "+34": _rate("ES", "0.0830", "0.0075", "0.0330"),
    "+39": _rate("IT", "0.0927", "0.0075", "0.0390"),
    "+44": _rate("GB", "0.0463", "0.0075", "0.0240"),
    "+49": _rate("DE", "0.1023", "0.0075", "0.0350"),
    "+52": _rate("MX", "0.0523", "0.0075", "0.0250"),
    "+55": _rate("BR", "0.0616", "0.0075", "0.0310"),
    "+61": _rate("AU", "0.0515", "0.0075", "0.0260"),
    "+81": _rate("JP", "0.0818", "0.0075", "0.0590"),
    "+86": _rate("CN", "0.0432", "0.0075", "0.0220"),
    "+91": _rate("IN", "0.0832", "0.0075", "0.0310"),
    "+351": _rate("PT", "0.0455", "0.0075", "0.0310"),
    "+353": _rate("IE", "0.0802", "0.0075", "0.0330"),
    "+886": _rate("TW", "0.0535", "0.0075", "0.0500"),
}
ELSEWHERE = _rate("", "0.1000", "0.0075", "0.0500")


def rate_for(number: str) -> Rate:
    """The rate of the longest calling code with which ``number`` (E.164) begins."""
    for length in (4, 3, 2):
        if rate := RATES.get(number[:length]):
            return rate
    return ELSEWHERE


def outbound_price(number: str, count: int) -> Decimal:
    """Charge for ``count`` segments sent to ``number``."""
    return rate_for(number).outbound_sms * count


def inbound_price(number: str, count: int) -> Decimal:
    """Charge for ``count`` segments received on our ``number``."""
    return rate_for(number).inbound_sms * count


def call_price(number: str, seconds: int) -> Decimal:
    """Charge for a call of ``seconds`` to ``number``; a minute begun is a minute."""
    return rate_for(number).voice_minute * -(-seconds // 60)


def segment_count(text: str, *, smart: bool = False) -> int:
    """How many SMS segments ``text`` takes; ``smart`` swaps look-alike characters first, as ``SmartEncoded`` does."""
    return segments(text, smart=smart).count
