"""Texts that a clinic wrote itself: a small, closed part of Jinja, so that whoever edits one can break nothing.

``{{ fact }}`` and ``{% if fact %}…{% else %}…{% endif %}`` are the whole language. Loops, filters, attributes, calls and
arithmetic are refused when the text is saved, and the environment is sandboxed all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from reminders.domain.delivery import Channel
from reminders.domain.wording import FACTS, MUST_TELL, WITHOUT_DIGITS, Key, asks_to_press

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()

_LANGUAGE = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not, nodes.And, nodes.Or)
#: What a condition that does not hold leaves behind.
_GAP = re.compile(r"\n{3,}")
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def problems(key: Key, body: str) -> list[tuple[str, str]]:
    """Why ``body`` cannot be this text, as (code, sentence); empty when it can."""
    if not body.strip():
        return [("empty", "A text needs some words.")]
    if _UNSEEN.search(body):
        return [("control_characters", "Control characters are not allowed.")]
    try:
        tree = _ENVIRONMENT.parse(body)
    except TemplateSyntaxError as problem:
        return [("syntax", f"Line {problem.lineno}: {problem.message}.")]
    odd = next((node for node in _walk(tree) if not isinstance(node, _LANGUAGE)), None)
    if odd is not None:
        return [("syntax", f"Line {odd.lineno}: only {{{{ fact }}}} and {{% if fact %}} may be used.")]
    return [*_about_facts(key, tree), *_about_form(key, body)]


def render(body: str, words: Mapping[str, str | None]) -> str:
    """``body`` with its facts; raises ``jinja2.TemplateError`` for a fact that is not there."""
    return _GAP.sub("\n\n", _compiled(body).render(words)).strip()


@lru_cache(1000)
def _compiled(body: str) -> Template:
    return _ENVIRONMENT.from_string(body)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def _about_facts(key: Key, tree: nodes.Template) -> Iterator[tuple[str, str]]:
    allowed = FACTS[key.template]
    named = {node.name for node in tree.find_all(nodes.Name)}
    for name in sorted(named - allowed):
        yield "unknown_fact", f"“{name}” may not be told here. Allowed: {', '.join(sorted(allowed))}."
    told = {
        child.name for output in tree.find_all(nodes.Output) for child in output.nodes if isinstance(child, nodes.Name)
    }
    for name in sorted(MUST_TELL.get(key.template, frozenset()) - told):
        yield "missing_fact", f"This text has to tell {{{{ {name} }}}}."


def _about_form(key: Key, body: str) -> Iterator[tuple[str, str]]:
    if key.channel == Channel.EMAIL and not "".join(body.strip().split("\n")[1:]).strip():
        yield "no_subject", "The first line of an e-mail is its subject; the text follows below it."
    if _names_key(key, body):
        yield (
            "key_named",
            "This text names no key: where keys work they follow by themselves, and a machine presses none. "
            "The greeting, the voicemail, the last words and what stands before a list hold no digit at all.",
        )


def _names_key(key: Key, body: str) -> bool:
    """On a call the sentence that tells of the visit may, since its keys follow; a text message may, unless a list follows."""
    if key.template in WITHOUT_DIGITS and any(char.isdigit() for char in body):
        return True
    return key.channel == Channel.VOICE and key.template != "reminder" and asks_to_press(key.language, body)
