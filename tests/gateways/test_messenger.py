"""The contract of ``Messenger``, kept by the fake of the tests and by the real gateway, which talks to the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from reminders.clock import ManualClock
from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Messenger
from reminders.errors import GatewayError
from reminders.gateways.twilio import Account, Twilio
from tests.fakes import FakeMessenger
from tests.house import MONDAY, running

ANA, LUIS = "+34600000010", "+34600000011"
SIDES = [State.SENT, State.DELIVERED]


class MessengerContract:
    """What every messenger promises. Subclasses provide ``messenger`` and ``clock``."""

    def test_a_text_is_accepted(self, messenger: Messenger) -> None:
        report = messenger.send_sms(ANA, "Hola, ¿viene? 1 = sí", "t-1")
        assert report.sid
        assert report.state in SIDES
        assert report.to == ANA
        assert report.body in {None, "Hola, ¿viene? 1 = sí"}

    def test_a_call_is_accepted(self, messenger: Messenger) -> None:
        report = messenger.place_call(ANA, "t-1")
        assert report.sid
        assert report.state in SIDES
        assert report.body is None
        assert report.segments is None

    def test_no_two_have_the_same_sid(self, messenger: Messenger) -> None:
        sids = [messenger.send_sms(ANA, "Same text", f"t-{n}").sid for n in range(3)]
        sids += [messenger.place_call(ANA, f"c-{n}").sid for n in range(3)]
        assert len(set(sids)) == 6

    def test_what_was_sent_can_be_fetched(self, messenger: Messenger) -> None:
        text, call = messenger.send_sms(ANA, "Hola", "t-1"), messenger.place_call(ANA, "t-2")
        assert messenger.fetch(Channel.SMS, text.sid).sid == text.sid
        assert messenger.fetch(Channel.VOICE, call.sid).sid == call.sid
        assert messenger.fetch(Channel.SMS, text.sid).body == "Hola"

    def test_finding_names_the_recipient_and_the_channel(self, messenger: Messenger, clock: ManualClock) -> None:
        mine, other = messenger.send_sms(ANA, "Hola", "t-1"), messenger.send_sms(LUIS, "Hola", "t-2")
        call = messenger.place_call(ANA, "t-3")
        since = clock.now() - timedelta(minutes=2)
        assert [report.sid for report in messenger.find(Channel.SMS, ANA, since)] == [mine.sid]
        assert [report.sid for report in messenger.find(Channel.SMS, LUIS, since)] == [other.sid]
        assert [report.sid for report in messenger.find(Channel.VOICE, ANA, since)] == [call.sid]
        assert messenger.find(Channel.VOICE, LUIS, since) == []

    def test_finding_is_newest_first_and_leaves_out_the_old(self, messenger: Messenger, clock: ManualClock) -> None:
        sids, times = [], []
        for number in range(3):
            times.append(clock.advance(timedelta(minutes=10)))
            sids.append(messenger.send_sms(ANA, "Same text", f"t-{number}").sid)
        assert [report.sid for report in messenger.find(Channel.SMS, ANA, times[0])] == sids[::-1]
        assert [report.sid for report in messenger.find(Channel.SMS, ANA, times[1])] == sids[:0:-1]
        assert messenger.find(Channel.SMS, ANA, times[2] + timedelta(minutes=1)) == []

    def test_what_is_found_tells_text_and_time(self, messenger: Messenger, clock: ManualClock) -> None:
        body = "Clínica: Ana, 明天 9:00 👍"
        messenger.send_sms(ANA, body, "t-1")
        (found,) = messenger.find(Channel.SMS, ANA, clock.now() - timedelta(minutes=2))
        assert found.body == body
        assert isinstance(found.created_at, datetime)
        assert abs(found.created_at - clock.now()) < timedelta(seconds=2)

    def test_an_account_in_order(self, messenger: Messenger) -> None:
        messenger.check_account()

    def test_a_refused_account_refuses_everything_and_burns_nothing(
        self, messenger: Messenger, clock: ManualClock
    ) -> None:
        self.suspend(messenger, True)
        attempts: list[Callable[[], object]] = [
            messenger.check_account,
            lambda: messenger.send_sms(ANA, "Hola", "t-1"),
            lambda: messenger.place_call(ANA, "t-2"),
        ]
        for attempt in attempts:
            with pytest.raises(GatewayError) as caught:
                attempt()
            problem = caught.value
            assert (problem.account, problem.permanent, problem.sent_unknown) == (True, False, False)
        self.suspend(messenger, False)
        messenger.check_account()
        assert messenger.find(Channel.SMS, ANA, clock.now() - timedelta(minutes=2)) == []
        assert messenger.send_sms(ANA, "Hola", "t-1").sid

    def suspend(self, messenger: Messenger, suspended: bool) -> None:
        """Let the provider refuse the account, or no longer."""
        raise NotImplementedError


class TestFakeMessenger(MessengerContract):
    def suspend(self, messenger: Messenger, suspended: bool) -> None:
        assert isinstance(messenger, FakeMessenger)
        messenger.account_problem = GatewayError(account=True, provider_code=20403) if suspended else None

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(MONDAY)

    @pytest.fixture
    def messenger(self, clock: ManualClock) -> Messenger:
        return FakeMessenger(clock)


class TestTwilioGateway(MessengerContract):
    """The real one, over HTTP and through the SDK."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return self.started

    @pytest.fixture
    def messenger(self, sqlite_database_url: str) -> Iterator[Messenger]:
        with running(sqlite_database_url) as house:
            self.started, self.house = house.clock, house
            settings = house.service.settings
            yield Twilio(Account(
                sid=settings.twilio_account_sid, token=settings.twilio_auth_token, from_number=settings.twilio_from_number,
                messaging_service_sid="", api_url=settings.twilio_api_url, public_url=settings.public_url,
            ), connections=2)  # fmt: skip

    @pytest.fixture(autouse=True)
    def _order(self, messenger: Messenger) -> None:
        """The clock belongs to the house, so the house comes first."""

    def suspend(self, messenger: Messenger, suspended: bool) -> None:
        self.house.sandbox.faults.suspended = suspended

    def test_credentials_that_are_wrong(self, messenger: Messenger) -> None:
        settings = self.house.service.settings
        stranger = Twilio(Account(
            sid=settings.twilio_account_sid, token="wrong", from_number=settings.twilio_from_number,
            messaging_service_sid="", api_url=settings.twilio_api_url, public_url=settings.public_url,
        ))  # fmt: skip
        for attempt in (stranger.check_account, lambda: stranger.send_sms(ANA, "Hola", "t-1")):
            with pytest.raises(GatewayError) as caught:
                attempt()
            problem = caught.value
            assert (problem.account, problem.permanent, problem.provider_code) == (True, False, 20003)

    def test_what_does_not_exist_cannot_be_fetched(self, messenger: Messenger) -> None:
        for channel, sid in ((Channel.SMS, "SM" + "0" * 32), (Channel.VOICE, "CA" + "0" * 32)):
            with pytest.raises(GatewayError) as caught:
                messenger.fetch(channel, sid)
            assert not caught.value.sent_unknown

    @pytest.mark.parametrize(
        ("to", "permanent", "opted_out", "code"),
        [("+15005550001", True, False, 21211), ("+15005550009", True, False, 21614), ("+15005550004", True, True, 21610),
         ("+15005550003", True, False, 21408), ("not a number", True, False, 21211)],
    )  # fmt: skip
    def test_refused_numbers(self, messenger: Messenger, to: str, permanent: bool, opted_out: bool, code: int) -> None:
        with pytest.raises(GatewayError) as caught:
            messenger.send_sms(to, "Hola", "t-1")
        problem = caught.value
        assert (problem.permanent, problem.opted_out, problem.provider_code) == (permanent, opted_out, code)

    def test_an_answer_that_got_lost_can_be_found(self, messenger: Messenger, clock: ManualClock) -> None:
        self.house.sandbox.faults.drop_after_accept = 1
        with pytest.raises(GatewayError) as caught:
            messenger.send_sms(ANA, "Hola", "t-1")
        assert caught.value.sent_unknown
        assert [report.body for report in messenger.find(Channel.SMS, ANA, clock.now() - timedelta(minutes=2))] == [
            "Hola"
        ]

    def test_too_many_requests(self, messenger: Messenger) -> None:
        self.house.sandbox.faults.too_many_requests = 1
        self.house.sandbox.faults.retry_after = 9
        with pytest.raises(GatewayError) as caught:
            messenger.send_sms(ANA, "Hola", "t-1")
        assert (caught.value.permanent, caught.value.sent_unknown, caught.value.retry_after) == (False, False, 9.0)
        assert messenger.send_sms(ANA, "Hola", "t-1").sid

    def test_the_price_comes_later(self, messenger: Messenger) -> None:
        sent = messenger.send_sms(ANA, "Hola " * 40, "t-1")
        assert sent.price is None
        self.house.settle()
        report = messenger.fetch(Channel.SMS, sent.sid)
        assert (report.state, report.segments) == (State.DELIVERED, 2)
        assert report.price is not None
        assert report.price > 0
        assert report.currency == "USD"
