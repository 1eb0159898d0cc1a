"""An e-mail as it is written down (RFC 5322, MIME): plain text first, and nothing that could begin another header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from itertools import groupby

from reminders.domain.ports import Attachment

_POLICY = SMTP.clone(cte_type="7bit")  # what every server takes, with or without 8BITMIME
_MESSAGE_ID = re.compile(r"[\w.+-]{1,128}", re.ASCII)
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_LONGEST = 250
_FILE = "appointment.ics"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: an address and the name shown for it. ``unsubscribe`` (mailto: or https:) becomes List-Unsubscribe."""

    address: str
    name: str = ""
    unsubscribe: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def compose(
    sender: Sender, to: str, subject: str, body: str, message_id: str, date: str, attachment: Attachment | None = None
) -> bytes:  # fmt: skip
    """A whole message as it goes over the wire, without the dots of the transport. Whatever ``subject`` holds stays in
    the subject, and nothing but ASCII leaves."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("not the left part of a Message-ID")
    # Written here and not by EmailMessage: that reads encoded words (RFC 2047) in what it is given, and writes the line
    # breaks it finds in them.
    headers = {
        "From": f"{_phrase(sender.name)} <{sender.address}>".lstrip(),
        "To": to,
        "Subject": _unstructured(one_line(subject)[:_LONGEST], "Subject"),
        "Date": date,
        "Message-ID": f"<{message_id}@{sender.domain}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: no machine shall answer
        "X-Auto-Response-Suppress": "OOF, AutoReply",  # the same for Exchange
    }
    if sender.unsubscribe:
        headers["List-Unsubscribe"] = f"<{sender.unsubscribe}>"  # RFC 2369
    if attachment is not None and attachment.reply_to:
        headers["Reply-To"] = attachment.reply_to
    content = EmailMessage(policy=_POLICY)
    content.set_content(_plain(body), charset="utf-8")
    if attachment is not None:
        _attach(content, attachment)
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii") + content.as_bytes()


def _attach(content: EmailMessage, attachment: Attachment) -> None:
    """With the calendar go the same words as a page, for programs that show an invitation only beside one. What is to be
    answered stands beside the text, as another form of it (RFC 6047 section 2.4), and once more as a file
    for programs that only know files; what is only told is a file."""
    calendar = _encodable(attachment.content)
    if attachment.language:
        content.add_alternative(page(content.get_content(), attachment.language), subtype="html", charset="utf-8")
    params = {"charset": "utf-8", "method": attachment.method}
    if not attachment.reply_to:
        content.add_attachment(
            calendar.encode(), maintype="text", subtype="calendar", filename=_FILE, params=params
        )  # fmt: skip
        return
    content.add_alternative(calendar.encode(), maintype="text", subtype="calendar", params=params)
    content.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename=_FILE)


def page(body: str, language: str) -> str:
    """A text as HTML: its paragraphs and line breaks, each in its own direction, and not a word more. No pictures, no
    styles: nothing is fetched when it is read. A line that is an address becomes a link to it."""
    parts = []
    for line, lines in groupby(body.splitlines(), key=_kind):
        if line == _TEXT:
            parts.append(f'<p dir="auto">{"<br>".join(_shown(one.rstrip()) for one in lines)}</p>')
        elif line == _END:
            parts.append("<hr>")
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    shown = "\n".join(parts)
    return f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head>{head}</head><body>\n{shown}\n</body></html>\n'


def _shown(line: str) -> str:
    text = escape(line)
    return f'<a href="{text}">{text}</a>' if _ADDRESS.fullmatch(line) else text


_TEXT, _END, _BETWEEN = range(3)


def _kind(line: str) -> int:
    """Text, the mark before a mail's last lines (RFC 3676 section 4.3), or nothing."""
    return _END if line == "-- " else _TEXT if line.strip() else _BETWEEN


def _phrase(name: str) -> str:
    """A display name: a quoted string, or encoded words where that cannot say it."""
    words = one_line(name)[:_LONGEST]
    if not _is_plain(words):
        return _unstructured(words, "From")
    return '"' + re.sub(r'(["\\])', r"\\\1", words) + '"' if words else ""


def _unstructured(text: str, header: str) -> str:
    return Header(text, "us-ascii" if _is_plain(text) else "utf-8", header_name=header).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, so that it cannot begin another header."""
    return _encodable(_BREAKS.sub(" ", text)).strip()


def _plain(text: str) -> str:
    return "".join(f"{_UNREADABLE.sub('', line)}\n" for line in _encodable(text).splitlines())


def _encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")
