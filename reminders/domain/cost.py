"""What a message costs before the provider has said so.

An estimate is never shown as an actual price: both are stored apart and reports keep them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reminders.domain.delivery import Channel


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217); never a float."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"


@dataclass(frozen=True, slots=True)
class RateCard:
    """List prices of one provider from one day on. ``prices``: per destination calling code, (SMS segment, call minute);
    ``detection``: hearing whether a person or a machine took a call, per call that was answered."""

    since: date
    currency: str
    prices: dict[str, tuple[Decimal, Decimal]]
    other: tuple[Decimal, Decimal]
    detection: Decimal

    def price(self, channel: Channel, to: str, units: int) -> Money:
        """Estimated price of one message of ``units`` segments, or of one call of so many begun minutes with machine
        detection, to the E.164 number ``to``. The clinic's own mail server charges nothing for an e-mail."""
        if channel is Channel.EMAIL:
            return Money(Decimal(0), self.currency)
        if channel is Channel.VOICE:
            return Money(self.minutes(to, units) + self.detection, self.currency)
        return Money(self._rates(to)[0] * units, self.currency)

    def minutes(self, to: str, begun: int) -> Decimal:
        """Estimated price of so many minutes of a call that is under way, or of one that it is connected with."""
        return self._rates(to)[1] * begun

    def _rates(self, to: str) -> tuple[Decimal, Decimal]:
        return self.prices.get(_calling_code(to, self.prices), self.other)


def _rates(sms: str, minute: str) -> tuple[Decimal, Decimal]:
    return Decimal(sms), Decimal(minute)


#: Order-of-magnitude list prices for planning, in US dollars, carrier surcharges not included. They stand in until the
#: provider reports the true price of a message; a clinic with its own contract should expect other figures.
RATE_CARDS: tuple[RateCard, ...] = (
    RateCard(
        since=date(2025, 1, 1),
        currency="USD",
        prices={
            "1": _rates("0.0083", "0.0140"),
            "33": _rates("0.0798", "0.0300"),
            "34": _rates("0.0783", "0.0300"),
            "39": _rates("0.0927", "0.0300"),
            "44": _rates("0.0524", "0.0158"),
            "49": _rates("0.1120", "0.0300"),
            "52": _rates("0.0672", "0.0250"),
            "55": _rates("0.0599", "0.0300"),
            "81": _rates("0.0880", "0.0746"),
            "86": _rates("0.0364", "0.0200"),
            "91": _rates("0.0832", "0.0497"),
        },
        other=_rates("0.1000", "0.0500"),
        detection=Decimal("0.0075"),  # twilio.com/docs/voice/answering-machine-detection, read 2026-11-22
    ),
)


def rate_card(day: date) -> RateCard:
    """The card in force on ``day``; the oldest one for days before any."""
    in_force = [card for card in RATE_CARDS if card.since <= day]
    return max(in_force, key=lambda card: card.since) if in_force else RATE_CARDS[0]


def _calling_code(to: str, known: dict[str, tuple[Decimal, Decimal]]) -> str:
    digits = to.removeprefix("+")
    return next((digits[:length] for length in (3, 2, 1) if digits[:length] in known), "")
