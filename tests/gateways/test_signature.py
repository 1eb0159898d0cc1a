"""X-Twilio-Signature: the vectors of Twilio's own SDKs, vectors of ours, and everything that is not a signature."""

from __future__ import annotations

import json
import string
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from reminders.gateways.twilio import Signature
from tests.shared_data import needs_shared, shared

URL = "https://clinic.example/hooks/twilio/sms"
FORM = {"From": "+12025550100", "Body": "1", "MessageSid": "SM1"}


def form_of(params: dict[str, Any]) -> MultiDict[str, str]:
    """Parameters as Flask hands them over: a list of values for each name."""
    pairs = [(name, value) for name, values in params.items()
             for value in (values if isinstance(values, list) else [values])]  # fmt: skip
    return MultiDict(pairs)


@needs_shared
def test_vectors_of_the_sdks() -> None:
    vectors = json.loads(shared("twilio", "signature_vectors.json").read_text("utf-8"))
    assert len(vectors) == 41
    for_forms = [vector for vector in vectors if vector["params"] is not None]
    assert len(for_forms) == 37
    for vector in for_forms:
        valid = Signature(vector["token"]).is_valid(vector["url"], form_of(vector["params"]), vector["signature"])
        assert valid is vector["valid"], vector["name"]


@needs_shared
def test_vectors_of_json_bodies_are_no_forms() -> None:
    """Webhooks with a JSON body reach a form webhook as an empty form, and are refused."""
    for vector in json.loads(shared("twilio", "signature_vectors.json").read_text("utf-8")):
        if vector["params"] is None and "bodySHA256" not in vector["url"]:
            assert not Signature(vector["token"]).is_valid(vector["url"], MultiDict(), vector["signature"])


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    token=st.text(string.ascii_letters + string.digits, min_size=1, max_size=32),
    query=st.dictionaries(words, words, max_size=3),
    pairs=st.lists(st.tuples(words, words), max_size=6),
    port=st.sampled_from(["", ":443", ":8443"]),
)
def test_what_twilio_signs_is_valid_and_nothing_else(
    token: str, query: dict[str, str], pairs: list[tuple[str, str]], port: str
) -> None:
    url = f"https://clinic.example{port}/hooks/twilio/sms" + (f"?{urlencode(query)}" if query else "")
    form = MultiDict(pairs)
    signature = RequestValidator(token).compute_signature(url, form)
    check = Signature(token)
    assert check.is_valid(url, form, signature)
    assert not Signature(token + "x").is_valid(url, form, signature)
    assert not check.is_valid(url + "x", form, signature)
    assert not check.is_valid(url, MultiDict([*pairs, ("Added", "1")]), signature)
    assert not check.is_valid(url, form, signature[:-2])


@pytest.mark.parametrize(
    "signature", ["", " ", "x", "=", "é", "\x00", "\ud800", "A" * 28, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "0" * 100_000, "null"],
)  # fmt: skip
def test_what_is_no_signature_is_not_valid(signature: str) -> None:
    assert not Signature("secret").is_valid(URL, FORM, signature)


@pytest.mark.parametrize(
    "url", ["", "x", "http://", "https://[", "https://clinic.example:x/", "https://clinic.example:99999/", "\x00"]
)
def test_addresses_that_are_none_do_not_raise(url: str) -> None:
    assert not Signature("secret").is_valid(url, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


def test_an_empty_secret_is_still_a_secret() -> None:
    assert not Signature("").is_valid(URL, FORM, "")
