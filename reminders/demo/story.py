"""The rehearsal's week: moves the clock from one thing to the next and lets everybody act."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count

from reminders.demo import script
from reminders.demo.clinic import open_clinic
from reminders.demo.desk import FrontDesk
from reminders.demo.house import House
from reminders.demo.narrator import Entry, Narrator
from reminders.demo.script import Wish
from reminders.sandbox import SandboxCall, SandboxMessage

_THINKING = timedelta(minutes=2)

Step = Callable[[], None]


class Story:
    """One week of ``script.py`` in a running installation."""

    def __init__(self, house: House, narrator: Narrator) -> None:
        self._house = house
        self._narrator = narrator
        open_clinic(house.service.use_cases, house.clock.now().date())
        self.desk = FrontDesk(house, narrator)
        self._answers = {wish.patient: deque(wish.says) for wish in script.WISHES}
        self._keys = {wish.patient: wish.presses for wish in script.WISHES}
        self._in_inbox: set[str] = set()
        self._diary: list[tuple[datetime, int, Step]] = []
        self._order = count()
        self._last_stop = house.clock.now()

    def tell(self) -> None:
        """From Monday morning to Thursday evening."""
        self._introduce()
        self._chapter("the week is booked")
        for wish in script.WISHES:
            self._at(wish.asked, self._booking(wish))
        self._at(script.MOVE[2], lambda: self.desk.move(script.MOVE[0], script.MOVE[1]))
        self._until(_midnight(script.START, 1))
        self._chapter("reminders go out, answers come in")
        self._plan_tuesday()
        self._until(_midnight(script.START, 2))
        self._chapter("the day itself")
        self._plan_visits()
        self._until(_midnight(script.START, 3))
        self._chapter("the visit that was moved")
        self._until(script.END)

    def read_ledgers(self) -> None:
        """What the desk could tell each of these patients about the reminders of the visit."""
        for name in script.READ_OUT:
            visit = self.desk.visit(name)
            self._narrator.say(f"{name}, {visit['status']}:")
            for item in self.desk.reminders(name)["items"]:
                self._narrator.note(item["sentence"], "")

    def _chapter(self, title: str) -> None:
        self._narrator.chapter(f"{self._house.clock.now():%A, %d %B %Y}: {title}")

    def _introduce(self) -> None:
        desk = self.desk
        languages = {item["language"] for item in desk.patients.values()}
        places = ", ".join(f"{item['name']} ({item['time_zone']})" for item in desk.locations.values())
        self._narrator.say(f"{len(desk.locations)} locations: {places}")
        self._narrator.say(
            f"{len(desk.providers)} providers, {len(desk.services)} services, {len(desk.patients)} patients "
            f"in {len(languages)} languages: {', '.join(sorted(languages))}"
        )

    # The diary

    def _at(self, moment: datetime, step: Step) -> None:
        heapq.heappush(self._diary, (moment, next(self._order), step))

    def _booking(self, wish: Wish) -> Step:
        return lambda: self.desk.book(wish.patient, wish.service, wish.provider, wish.at)

    def _plan_tuesday(self) -> None:
        self._at(script.LOOKS_UP[1], lambda: self.desk.look_up(script.LOOKS_UP[0]))
        for provider, hour in script.INBOX_HOURS:
            self._at(hour, self._looking_after(provider))

    def _looking_after(self, provider: str) -> Step:
        zone = self.desk.zone(provider)
        mine = [wish.patient for wish in script.WISHES if self.desk.zone(wish.provider) == zone]
        return lambda: self.desk.empty_inbox(mine, script.WRITES)

    def _plan_visits(self) -> None:
        """Who comes is written down a little before the visit, that it took place at its end."""
        for wish in script.WISHES:
            visit = self.desk.visit(wish.patient)
            start, end = datetime.fromisoformat(visit["start"]), datetime.fromisoformat(visit["end"])
            if wish.comes:
                self._at(start - timedelta(minutes=4), self._noting(wish.patient, "arrive"))
                self._at(end, self._noting(wish.patient, "fulfil"))
            elif wish.comes is False:
                self._at(start + timedelta(minutes=20), self._noting(wish.patient, "no-show"))

    def _noting(self, patient: str, change: str) -> Step:
        return lambda: self.desk.note_down(patient, change)

    # Time

    def _until(self, moment: datetime) -> None:
        while (stop := self._next_stop()) < moment:
            self._last_stop = stop
            self._house.clock.set(max(stop, self._house.clock.now()))
            self._house.tick()
            self._let_things_happen()
            while self._diary and self._diary[0][0] <= self._house.clock.now():
                heapq.heappop(self._diary)[2]()
        self._house.clock.set(max(moment, self._house.clock.now()))
        self._house.tick()

    def _next_stop(self) -> datetime:
        """The next moment at which somebody acts or something is due."""
        due = (due for due in self.desk.due if due > self._last_stop)
        return min([script.END, *due, *(at for at, _, _ in self._diary[:1])])

    def _let_things_happen(self) -> None:
        """Messages arrive, people answer, answers are answered, until all is quiet."""
        self._house.settle()
        while self._answer_calls() or self._answer_texts(self._narrator.news(self._house.sandbox, self.desk.owners())):
            self._house.settle()

    def _answer_calls(self) -> bool:
        """Press keys on every call that asks for one."""
        sandbox = self._house.sandbox
        open_calls = [
            entry for phone in sandbox.phones() if phone.in_call for entry in sandbox.conversation(phone.number)
            if isinstance(entry, SandboxCall) and entry.expects_digits
        ]  # fmt: skip
        pressed = [(call, self._keys[name]) for call in open_calls for name in self._about(call) if self._keys[name]]
        for call, key in pressed:
            sandbox.press(call.sid, key)
        return bool(pressed)

    def _answer_texts(self, news: Iterable[Entry]) -> bool:
        """Whoever has something to say to a new text says it a little later."""
        texts = [entry for entry in news if isinstance(entry, SandboxMessage)]
        self._report_back(texts)
        answers = [
            (text.phone, self._answers[name].popleft())
            for text in texts if text.direction == "outbound-api" and text.status == "delivered"
            for name in self._about(text) if self._answers[name]
        ]  # fmt: skip
        for phone, words in answers:
            self._house.clock.advance(_THINKING)
            self._house.sandbox.reply(phone, words)
            self._house.tick()
        return bool(answers)

    def _about(self, entry: Entry) -> list[str]:
        """Whose visit a text or call is about: of those who share the phone, the one it names."""
        said = entry.body if isinstance(entry, SandboxMessage) else " ".join(line.text for line in entry.transcript)
        return [name for name in self.desk.visits if name in said and self.desk.patients[name]["phone"] == entry.phone]

    def _report_back(self, texts: Iterable[SandboxMessage]) -> None:
        """What the API says of the visits and the inbox after answers from patients."""
        for text in texts:
            if not text.inbound:
                continue
            names = [name for name in self.desk.visits if self.desk.patients[name]["phone"] == text.phone]
            for name in names:
                visit = self.desk.visit(name)
                self._narrator.note(f"→ {name}: {visit['status']}, {visit['confirmation']}", "green")
        for item in self.desk.open_items():
            if item["id"] not in self._in_inbox:
                self._in_inbox.add(item["id"])
                self._narrator.note(f"→ in the desk's inbox: {item['reason']}", "yellow")


def _midnight(day: datetime, days: int) -> datetime:
    """Midnight UTC some days later: night at both venues."""
    return day.replace(hour=0, minute=0) + timedelta(days=days)
