"""What each figure means: ``docs/measures.md`` and ``docs/assessment.md`` as pages with an anchor at every definition. Where
``docs/<language>/`` has them, too, readers of that language get those."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from flask import Blueprint
from flask.typing import ResponseReturnValue
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from reminders.settings import data_dir
from reminders.texts.catalogues import SOURCE
from reminders.web.manage import words
from reminders.web.manage.pages import render

bp = Blueprint("definitions", __name__)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
#: What a row says that defines nothing itself.
_ELSEWHERE = frozenset({"as above", "as below", "同上", "见下"})


#: The documents that define figures.
DOCUMENTS = ("measures", "assessment")


@bp.get("/definitions")
@bp.get("/definitions/<any(measures,assessment):document>")
def show(document: str = "measures") -> ResponseReturnValue:
    language = words.language()
    own = (data_dir() / "docs" / language / f"{document}.md").is_file()
    text = _document(f"{language}/{document}" if own else document)
    return render("definitions", text=text, document=document, written_in=language if own else SOURCE)


@cache
def _document(name: str) -> Markup:
    text = (data_dir() / "docs" / f"{name}.md").read_text("utf-8")
    return Markup(html(text))  # noqa: S704 - our own document, and HTML in it is switched off


def html(text: str) -> str:
    """Markdown as HTML. Headings get an anchor as on code hosts; a row of a table gets one for each code that stands in
    its first cell, and the first row with a code has it. Names that no table defines have theirs where they come first.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens, taken = reader.parse(text), set[str]()
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            _name(token, [_slug(tokens[place + 1].content)], taken)
        elif token.type == "tr_open" and tokens[place + 1].type == "td_open":
            codes = [part.content for part in tokens[place + 2].children or () if part.type == "code_inline"]
            if _last_cell(tokens, place) in _ELSEWHERE:
                continue
            _name(token, codes, taken)
            _spare(tokens[place + 2], codes[1:], taken)
        elif token.type == "inline":
            _unlink(token)
    for token in tokens:
        names = [part.content for part in token.children or () if part.type == "code_inline"]
        _spare(token, [name for name in names if _NAME.fullmatch(name)], taken)
    return str(reader.renderer.render(tokens, reader.options, {}))


def _last_cell(tokens: Sequence[Token], row: int) -> str:
    """What stands at the end of the row that begins at ``row``."""
    end = next(place for place in range(row, len(tokens)) if tokens[place].type == "tr_close")
    return tokens[end - 2].content


def _name(token: Token, names: Sequence[str], taken: set[str]) -> None:
    free = [name for name in names[:1] if name not in taken]
    if free:
        token.attrSet("id", free[0])
        taken.update(free)


def _spare(cell: Token, names: Sequence[str], taken: set[str]) -> None:
    """Anchors for other codes."""
    for part in cell.children or ():
        if part.type == "code_inline" and part.content in names and part.content not in taken:
            part.attrSet("id", part.content)
            taken.add(part.content)


def _unlink(token: Token) -> None:
    """Links to other documents lead nowhere from here; their words stay."""
    children = token.children or []
    away = {
        place for place, part in enumerate(children)
        if part.type == "link_open" and not re.match(r"#|https?:", str(part.attrGet("href")))
    }  # fmt: skip
    ends = {next(end for end in range(place, len(children)) if children[end].type == "link_close") for place in away}
    token.children = [part for place, part in enumerate(children) if place not in away | ends]


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
