"""Following an application's TwiML through a call: speaking it, asking for digits, fetching what comes next.

Speech takes the time it would take to say it, so that durations and prices look like those of real calls. Not
thread-safe by itself; ``Sandbox`` holds the lock.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from reminders.sandbox import twiml
from reminders.sandbox.call_desk import CallDesk
from reminders.sandbox.callbacks import Answer, Webhook, call_form, resolve
from reminders.sandbox.records import CallStatus, Line, SandboxCall

APPLICATION_ERROR = "We are sorry, an application error has occurred. Goodbye."
_AT_ONCE = timedelta(0)
_MAX_DOCUMENTS = 50  # an endless Redirect ends here
_DIALLED = timedelta(seconds=30)  # how long a leg opened by <Dial> lasts
_CHARACTERS_PER_SECOND = 14


class Playback:
    """What is said on a call and what is heard."""

    def __init__(self, desk: CallDesk) -> None:
        self._desk = desk

    def start(self, call: SandboxCall, at: datetime) -> list[Webhook]:
        """The call was answered: read the document given with it, or fetch it."""
        if call.twiml is None:
            return self._fetch(call, call.program.url, {}, at)
        self._read(call, call.twiml, at)
        return []

    def _fetch(self, call: SandboxCall, url: str, extra: dict[str, str], at: datetime) -> list[Webhook]:
        target = resolve(call.program.url, url)
        if target is None or call.program.documents >= _MAX_DOCUMENTS:
            return self._give_up(call, 11100, at)
        program = replace(
            call.program,
            url=target,
            waiting=None,
            keys="",
            epoch=call.program.epoch + 1,
            documents=call.program.documents + 1,
        )
        self._desk.change(call, at, program=program)
        form = {**call_form(self._desk.account.sid, call), **extra}
        return [Webhook(target, call.sid, form, then=partial(self._fetched, call.sid, program.epoch))]

    def _fetched(self, sid: str, epoch: int, at: datetime, answer: Answer) -> None:
        call = self._desk.current(sid, epoch)
        if call is None:
            return
        if answer.ok:
            self._read(call, answer.body, at)
        else:
            self._desk.after(_AT_ONCE, at, partial(self._abandon, 11200), call)

    def _read(self, call: SandboxCall, document: str, at: datetime) -> None:
        try:
            verbs = twiml.read_voice(document)
        except twiml.TwimlError:
            self._desk.after(_AT_ONCE, at, partial(self._abandon, 12100), call)
            return
        self._run(call, verbs, at)

    def _run(self, call: SandboxCall, verbs: tuple[twiml.Verb, ...], at: datetime) -> None:
        """Play ``verbs`` up to the first that waits for something; what follows it is kept for later."""
        spoken = timedelta(0)
        for index, verb in enumerate(verbs):
            rest = verbs[index + 1 :]
            if isinstance(verb, twiml.Say | twiml.Play | twiml.Pause):
                call, spoken = self._prompt(call, verb, at), spoken + _length(verb)
            elif isinstance(verb, twiml.Gather):
                return self._gather(call, verb, rest, spoken, at)
            elif isinstance(verb, twiml.Redirect):
                return self._desk.after(spoken, at, partial(self._redirect, verb.url), call)
            elif isinstance(verb, twiml.Dial):
                call = self._desk.note(call, Line("dial", verb.number), at)
                return self._desk.after(spoken, at, partial(self._dial, verb, rest), call)
            elif isinstance(verb, twiml.Hangup):
                break
            else:
                self._desk.book.alert(at, 12200, call.sid, call.program.url)
        return self._desk.after(spoken, at, self._finish, call)

    def _prompt(self, call: SandboxCall, verb: twiml.Prompt, at: datetime) -> SandboxCall:
        if isinstance(verb, twiml.Say):
            return self._desk.note(call, Line("say", verb.text, verb.language, verb.voice), at)
        return self._desk.note(call, Line("play", verb.url), at) if isinstance(verb, twiml.Play) else call

    def _gather(
        self, call: SandboxCall, verb: twiml.Gather, rest: tuple[twiml.Verb, ...], spoken: timedelta, at: datetime
    ) -> None:
        for prompt in verb.prompts:
            call, spoken = self._prompt(call, prompt, at), spoken + _length(prompt)
        call = self._desk.change(call, at, program=replace(call.program, waiting=verb, keys="", rest=rest))
        self._desk.after(spoken + max(verb.timeout, self._desk.account.patience), at, self._submit, call)

    def _redirect(self, url: str, call: SandboxCall, at: datetime) -> list[Webhook]:
        return self._fetch(call, url, {}, at)

    def _dial(self, verb: twiml.Dial, rest: tuple[twiml.Verb, ...], call: SandboxCall, at: datetime) -> list[Webhook]:
        """The dialled number behaves like any other phone here: it talks, is engaged, or rings until the timeout."""
        answer = self._desk.book.behaviour(verb.number).answer
        status, length = (
            ("completed", _DIALLED) if answer is CallStatus.IN_PROGRESS
            else (answer.value, verb.timeout if answer is CallStatus.NO_ANSWER else _AT_ONCE)
        )  # fmt: skip
        self._desk.dial(call, verb.number, CallStatus(status), length, at)
        self._desk.after(length, at, partial(self._dialled, verb, rest, status), call)
        return []

    def _dialled(
        self, verb: twiml.Dial, rest: tuple[twiml.Verb, ...], status: str, call: SandboxCall, at: datetime
    ) -> list[Webhook]:  # fmt: skip
        if verb.action:
            result = {"DialCallStatus": status}
            if status == "completed":
                result["DialCallDuration"] = str(int(_DIALLED.total_seconds()))
            return self._fetch(call, verb.action, result, at)
        self._run(call, rest, at)
        return []

    def _finish(self, call: SandboxCall, at: datetime) -> list[Webhook]:
        return self._desk.end(call, CallStatus.COMPLETED, at)

    def _abandon(self, code: int, call: SandboxCall, at: datetime) -> list[Webhook]:
        return self._give_up(call, code, at)

    def _give_up(self, call: SandboxCall, code: int, at: datetime) -> list[Webhook]:
        self._desk.book.alert(at, code, call.sid, call.program.url)
        call = self._desk.note(call, Line("say", APPLICATION_ERROR, "en-US"), at)
        return self._desk.end(call, CallStatus.COMPLETED, at)

    def press(self, call: SandboxCall, digits: str, at: datetime) -> SandboxCall:
        """Keys pressed by the person; sent off when the question has what it asks for, or after its timeout."""
        question = call.program.waiting
        if question is None or not call.expects_digits:
            raise ValueError("this call does not ask for digits now")
        call = self._desk.note(call, Line("digits", digits), at)
        keys, ended = _typed(call.program.keys + digits, question)
        call = self._desk.change(call, at, program=replace(call.program, keys=keys, epoch=call.program.epoch + 1))
        self._desk.after(_AT_ONCE if ended else question.timeout, at, self._submit, call)
        return call

    def hear(self, call: SandboxCall, words: str, confidence: float, at: datetime) -> SandboxCall:
        """Words said by the person; they answer the question as soon as there is a pause."""
        question = call.program.waiting
        if question is None or not call.expects_speech:
            raise ValueError("this call does not listen now")
        call = self._desk.note(call, Line("speech", words, question.language), at)
        call = self._desk.change(call, at, program=replace(call.program, epoch=call.program.epoch + 1))
        result = {"SpeechResult": words, "Confidence": f"{confidence:.8f}"}
        self._desk.after(_AT_ONCE, at, partial(self._heard, question.action, result), call)
        return call

    def _heard(self, action: str, result: dict[str, str], call: SandboxCall, at: datetime) -> list[Webhook]:
        return self._fetch(call, action, result, at)

    def _submit(self, call: SandboxCall, at: datetime) -> list[Webhook]:
        program = call.program
        if program.waiting and (program.keys or program.waiting.action_on_empty_result):
            return self._fetch(call, program.waiting.action, {"Digits": program.keys}, at)
        call = self._desk.change(call, at, program=replace(program, waiting=None))
        self._run(call, program.rest, at)
        return []


def speaking_time(text: str) -> timedelta:
    """How long it takes to say ``text``, in whole seconds."""
    return timedelta(seconds=-(-len(text) // _CHARACTERS_PER_SECOND))


def _length(verb: twiml.Prompt) -> timedelta:
    if isinstance(verb, twiml.Say):
        return speaking_time(verb.text)
    return verb.length if isinstance(verb, twiml.Pause) else timedelta(seconds=5)


def _typed(keys: str, question: twiml.Gather) -> tuple[str, bool]:
    """The digits that count, and whether the question is answered."""
    end = question.finish_on_key
    cut = keys.find(end) if len(end) == 1 else -1
    if cut >= 0:
        return keys[:cut], True
    return (keys[: question.num_digits], True) if 0 < question.num_digits <= len(keys) else (keys, False)
