"""A browser without scripts: reads pages, follows links, fills in forms. Knows enough HTML for our own pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

_EMPTY = frozenset({"meta", "link", "input", "br", "img", "hr"})
_REFERENCES = frozenset({"aria-labelledby", "aria-describedby", "for", "form"})
_TYPED = frozenset({"input", "select", "textarea"})


@dataclass
class Element:
    """One element with what it holds."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All words inside, spaces folded."""
        return " ".join("".join(_strings(self)).split())

    def all(self, tag: str | None = None, **attrs: str) -> list[Element]:
        """Every element inside with this tag and these attributes (``class_`` is one of the classes)."""
        wanted = attrs.pop("class_", None)
        return [
            one for one in _elements(self)
            if (tag is None or one.tag == tag)
            and (wanted is None or wanted in one.attrs.get("class", "").split())
            and all(one.attrs.get(name) == value for name, value in attrs.items())
        ]  # fmt: skip

    def one(self, tag: str | None = None, **attrs: str) -> Element:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} of {tag} {attrs} in: {self.text[:2000]}"
        return found[0]

    def within(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.within(tag))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("document", {})
        self._open = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(element)
        if tag not in _EMPTY:
            self._open = element

    def handle_endtag(self, tag: str) -> None:
        assert self._open.tag == tag, f"</{tag}> closes <{self._open.tag}>"
        assert self._open.parent is not None
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


@dataclass
class Page:
    """What a request led to, after redirects."""

    answer: requests.Response
    root: Element

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        return self.root.one("body").text

    @property
    def notices(self) -> list[str]:
        """What the page says about what was just done."""
        return [one.text for one in self.root.all(role="status") + self.root.all(role="alert")]


class Browser:
    """One person's browser, with its cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.page: Page

    def open(self, path: str, **query: Any) -> Page:
        return self._read(self.session.get(urljoin(self.url, path), params=query, timeout=30))

    def submit(self, button: str, under: Element | None = None, **fields: str) -> Page:
        """Press the one button (or the first within ``under``) whose words begin like this, in its form."""
        root = self.page.root
        pressed = next(one for one in (under or root).all("button") if one.text.startswith(button))
        form = root.one("form", id=pressed.attrs["form"]) if "form" in pressed.attrs else _form_around(pressed)
        values = defaults(form) | fields
        if "name" in pressed.attrs:
            values[pressed.attrs["name"]] = pressed.attrs.get("value", "")
        return self.send(form.attrs["action"], form.attrs.get("method", "get"), values)

    def send(self, action: str, method: str, values: dict[str, str], **headers: str) -> Page:
        url = urljoin(self.page.answer.url, action)
        if method.lower() == "get":
            return self._read(self.session.get(url, params=values, timeout=30))
        return self._read(self.session.post(url, data=values, headers=headers, timeout=30))

    def follow(self, words: str, under: Element | None = None) -> Page:
        """Follow the first link whose words begin like this."""
        link = next(one for one in (under or self.page.root).all("a") if one.text.startswith(words))
        return self.open(urljoin(self.page.answer.url, link.attrs["href"]))

    def close(self) -> None:
        self.session.close()

    def _read(self, answer: requests.Response) -> Page:
        reader = _Reader()
        reader.feed(answer.text)
        reader.close()
        self.page = Page(answer, reader.root)
        return self.page


def sign_in(browser: Browser, key: str) -> Page:
    browser.open("/console/sign-in")
    return browser.submit("Sign in", key=key)


def defaults(form: Element) -> dict[str, str]:
    """What a form sends when nobody touches it."""
    values = {}
    for one in form.all():
        name = one.attrs.get("name")
        if not name or one.tag not in _TYPED:
            continue
        if one.tag == "select":
            options = one.all("option")
            chosen = next((option for option in options if "selected" in option.attrs), options[0])
            values[name] = chosen.attrs["value"]
        elif one.tag == "textarea":
            values[name] = "".join(_strings(one))
        elif one.attrs.get("type") not in {"radio", "checkbox"} or "checked" in one.attrs:
            values[name] = one.attrs.get("value", "")
    return values


def faults(page: Page) -> list[str]:
    """What keyboards, screen readers and the content policy would stumble over."""
    root, found = page.root, []
    ids = [one.attrs["id"] for one in root.all() if "id" in one.attrs]
    found += [f"id twice: {name}" for name in set(ids) if ids.count(name) > 1]
    if [len(root.all("h1")), len(root.all("main")), root.one("html").attrs.get("lang", "")[:2]] != [1, 1, "en"]:
        found.append("needs one h1, one main and a language")
    labelled = {one.attrs["for"] for one in root.all("label") if "for" in one.attrs}
    for one in root.all():
        found += _fault_of(one, set(ids), labelled)
    return found


def _fault_of(one: Element, ids: set[str], labelled: set[str]) -> list[str]:
    found = [f"script or style in {one.tag}" for name in one.attrs if name == "style" or name.startswith("on")]
    if one.tag == "style" or (one.tag == "script" and "src" not in one.attrs):
        found.append(f"<{one.tag}>")
    references = {one.attrs[name] for name in _REFERENCES & set(one.attrs)}
    found += [f"leads nowhere: {name}" for name in references - ids]
    hidden = one.attrs.get("type") == "hidden"
    if (
        one.tag in _TYPED
        and not hidden
        and one.attrs.get("id") not in labelled
        and not one.within("label")
        and "aria-label" not in one.attrs
    ):
        found.append(f"no label: {one.attrs}")
    if one.tag in {"a", "button", "summary", "legend", "h1", "h2"} and not one.text:
        found.append(f"says nothing: {one.tag} {one.attrs}")
    if one.tag == "nav" and "aria-label" not in one.attrs:
        found.append("nav without a name")
    return found


def _form_around(element: Element) -> Element:
    assert element.parent is not None, "button outside a form"
    return element.parent if element.parent.tag == "form" else _form_around(element.parent)


def _elements(root: Element) -> list[Element]:
    inside = [child for child in root.children if isinstance(child, Element)]
    return [one for child in inside for one in [child, *_elements(child)]]


def _strings(root: Element) -> list[str]:
    return [
        part for child in root.children
        for part in ([child] if isinstance(child, str) else _strings(child))
    ]  # fmt: skip
