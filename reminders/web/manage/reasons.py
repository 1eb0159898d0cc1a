"""What an assessment recommends, in the reader's language. The sentences are those of ``domain/sourcing/recommending.py``,
which knows no languages; a test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reminders.domain.sourcing.recommending import AUTOMATED
from reminders.web.manage.terms import figure
from reminders.web.manage.words import N_, _

SENTENCES = {
    "choose": N_("Choose {option}."),
    "too_close": N_("{option} comes out ahead of {other}, but not clearly: decide by what matters to you beyond cost."),
    "only_one": N_("There is only {option}; add another option to compare it with."),
    "cheapest": N_("Over {months} months it costs {amount} {currency} in all, the least of the {count} ways compared."),
    "not_cheapest": N_("It costs {amount} {currency} over {months} months. {other} would leave you {less} {currency} better off, but your weights for security, control, lock-in and languages outweigh that."),
    "saves": N_("That is {amount} {currency} less than {baseline} over {months} months."),
    "headroom": N_("It could cost {amount} {currency} more each month before {baseline} would be as cheap over {months} months."),
    "costs_more": N_("That is {amount} {currency} more than {baseline} over {months} months."),
    "pays_back": N_("What is paid once, {amount} {currency}, has come back by month {month}."),
    "never_pays_back": N_("What is paid once, {amount} {currency}, does not come back within {months} months."),
    "break_even": N_("Counting everything paid so far, it is ahead of {baseline} from month {month} on."),
    "overtaken": N_("It is cheaper than {baseline} at first, but dearer from month {month} on: the longer you plan, the worse it looks."),
    "volume": N_("At about {calls} calls a month it and {baseline} would cost the same; now there are {now}."),
    "automation_helps": N_("Reminders and self-service beside {option} bring {amount} {currency} over {months} months, after what they cost."),
    "automation_costs": N_("Reminders and self-service beside {option} cost {amount} {currency} more over {months} months than they bring."),
    "hidden": N_("{amount} {currency} of its cost are things that are easily forgotten: {lines}."),
    "misses": N_("It misses your target for {kpi}: {value} instead of {target}."),
    "kpi_unknown": N_("Nobody has said how it does on {kpi}: ask for that in writing before you sign."),
    "languages": N_("{share} of your patients would be answered in their own language."),
    "sure": N_("With all figures varied within their ranges, it stayed cheaper than every other way of answering in {share} of {runs} runs."),
    "turns": N_("The result turns if {label} goes from {value} to {end}."),
    "matters": N_("What matters most is {label}: between {low} and {high} the difference moves by {amount} {currency}."),
    "robust": N_("No single figure, within its range, changes who is cheaper."),
    "unrated": N_("Not every option is rated for {criteria}, so that did not count."),
    "measured": N_("{measured} of the {count} figures were measured by this product; {user} are yours and {default} are defaults: check those first."),
}  # fmt: skip
#: What stands in the facts in words.
WORDS = {
    "the average speed of answer": N_("the average speed of answer"),
    "first-call resolution": N_("first-call resolution"),
    "abandoned calls": N_("abandoned calls"),
    "booking completion": N_("booking completion"),
    "satisfaction": N_("satisfaction"),
    "cost": N_("cost"),
    "security": N_("security"),
    "control": N_("control"),
    "lock-in": N_("lock-in"),
    "languages": N_("languages"),
}  # fmt: skip


def sentence(reason: Mapping[str, Any]) -> str:
    """A reason of a stored result; one of a later version that is unknown here stays in English."""
    known = SENTENCES.get(reason["code"])
    if known is None:
        return str(reason["sentence"])
    facts = {name: _fact(name, value) for name, value in reason["facts"].items()}
    return _(known).format(**facts)


def _fact(name: str, value: str) -> str:
    if name in {"kpi", "criteria"}:
        return _(", ").join(_(WORDS.get(part, part)) for part in value.split(", "))
    if name == "label":
        return figure(value)
    if value.endswith(AUTOMATED) and name in {"option", "other", "baseline"}:
        return _("%(option)s, with automation", option=value.removesuffix(AUTOMATED))
    number, _space, unit = value.partition(" ")
    return _("%(number)s seconds", number=number) if unit == "seconds" and name in {"value", "target"} else value
