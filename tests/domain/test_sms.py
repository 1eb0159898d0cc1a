from __future__ import annotations

import json
import timeit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.sms import Segments, segments, smart_encode
from tests.shared_data import needs_shared, shared

UNHURRIED = settings(deadline=None)  # the machine may be busy

GSM = st.text("abcxyz éñ@£\n{}[]€~^|\\", max_size=500)
MIXED = st.text("ab €ç你😀👍🏽", max_size=250)
ANY = st.one_of(st.text(st.characters(), max_size=400), GSM, MIXED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 1, 0)),
        ("a", Segments("GSM-7", 1, 1)),
        ("a" * 160, Segments("GSM-7", 1, 160)),
        ("a" * 161, Segments("GSM-7", 2, 161)),
        ("a" * 306, Segments("GSM-7", 2, 306)),
        ("a" * 307, Segments("GSM-7", 3, 307)),
        ("€" * 80, Segments("GSM-7", 1, 160)),
        ("€" * 81, Segments("GSM-7", 2, 162)),
        # 153 is odd: an escape pair never fits the last septet of a part, so each part carries 76 of them.
        ("€" * 152, Segments("GSM-7", 2, 304)),
        ("€" * 153, Segments("GSM-7", 3, 306)),
        ("a" * 152 + "€" + "a" * 152, Segments("GSM-7", 3, 306)),
        ("a" * 151 + "€" + "a" * 153, Segments("GSM-7", 2, 306)),
        ("áé", Segments("UCS-2", 1, 2)),
        ("Ça", Segments("GSM-7", 1, 2)),
        ("ça", Segments("UCS-2", 1, 2)),
        ("好" * 70, Segments("UCS-2", 1, 70)),
        ("好" * 71, Segments("UCS-2", 2, 71)),
        ("好" * 134, Segments("UCS-2", 2, 134)),
        ("好" * 135, Segments("UCS-2", 3, 135)),
        ("😀" * 35, Segments("UCS-2", 1, 70)),
        # 67 is odd: a surrogate pair never fits the last unit of a part.
        ("😀" * 66, Segments("UCS-2", 2, 132)),
        ("😀" * 67, Segments("UCS-2", 3, 134)),
        ("line\r\nline", Segments("GSM-7", 1, 10)),
        ("tab\t", Segments("UCS-2", 1, 4)),
        ("back`tick", Segments("UCS-2", 1, 9)),
        ("\x1b", Segments("UCS-2", 1, 1)),
        ("\ud83d alone", Segments("UCS-2", 1, 7)),
    ],
)
def test_segments(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("plain, 10:00 {x} €5", "plain, 10:00 {x} €5"),
        ("“Don’t” – it’s 10:00…", "\"Don't\" - it's 10:00..."),
        ("a\u00a0b", "a  b"),
        ("a\u200bb\ufeff", "ab"),
        ("½ ¼ ¾ ‼", "1/2 1/4 3/4 !!"),
        ("１２：００ＡＢ", "12:00AB"),
        ("«ok» ‹ok›", '"ok" <ok>'),
        ("ᴛʜᴇ", "THE"),
        ("back`tick\t.", "back'tick       ."),
        ("您好，明天。", "您好,明天."),
        ("ça 😀", "ça 😀"),
    ],
)
def test_smart_encoding(text: str, sent: str) -> None:
    assert smart_encode(text) == sent
    assert segments(text, smart=True) == segments(sent)


def test_smart_encoding_saves_segments() -> None:
    text = "Don’t forget: " + "x" * 100
    assert segments(text) == Segments("UCS-2", 2, 114)
    assert segments(text, smart=True) == Segments("GSM-7", 1, 114)


@needs_shared
def test_agrees_with_every_vector() -> None:
    vectors = json.loads(shared("sms", "segment_vectors.json").read_text(encoding="utf-8"))
    bits = {"GSM-7": 7, "UCS-2": 16}
    differing = []
    for vector in vectors:
        found = segments(vector["body"], smart=vector["smart"])
        seen = (found.encoding, found.count, found.units * bits[found.encoding])
        if seen != (vector["encoding"], vector["segments"], vector["messageBits"]):
            differing.append((vector["origin"], seen))
    assert len(vectors) >= 100
    assert {vector["smart"] for vector in vectors} == {True, False}
    assert differing == []


@UNHURRIED
@given(ANY, st.booleans())
def test_sizes_stay_within_what_a_part_holds(text: str, smart: bool) -> None:
    found = segments(text, smart=smart)
    single, part = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    if found.units <= single:
        assert found.count == 1
    else:
        # A closed part leaves at most one unit empty.
        assert (found.count - 1) * (part - 1) < found.units <= found.count * part


@UNHURRIED
@given(st.text(max_size=300))
def test_ucs2_units_are_utf16_code_units(text: str) -> None:
    found = segments(text + "好")
    assert found.encoding == "UCS-2"
    assert found.units == len((text + "好").encode("utf-16-le")) // 2


@UNHURRIED
@given(ANY, ANY)
def test_a_longer_text_never_needs_fewer_parts(left: str, right: str) -> None:
    assert segments(left + right).count >= max(segments(left).count, segments(right).count)


@UNHURRIED
@given(ANY)
def test_smart_encoding_is_stable_and_never_leaves_gsm7(text: str) -> None:
    sent = smart_encode(text)
    assert smart_encode(sent) == sent
    if segments(text).encoding == "GSM-7":
        assert sent == text


def test_is_fast_enough_to_run_before_every_message() -> None:
    text = "Reminder: your visit is tomorrow at 10:00. Reply 1 to confirm, 2 to cancel. "[:75] * 2
    assert len(text) == 150
    best = min(timeit.repeat(lambda: segments(text), number=200, repeat=20)) / 200
    assert best < 20e-6
