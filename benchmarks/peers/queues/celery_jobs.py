"""Celery: one task per reminder, with an ETA when it is not due at once. Acknowledged before it runs, as by default."""

from __future__ import annotations

import os
import time

from celery import Celery, signals

from queues import work

app = Celery("reminders", broker=os.environ["BENCH_URL"])
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"], task_ignore_result=True, broker_connection_retry_on_startup=True
)


@app.task(name="remind")
def remind(to: str, body: str) -> None:
    work.do(to, body)


@signals.worker_ready.connect
def _ready(**_: object) -> None:
    work.ready()


def plan() -> None:
    reminders = list(work.wanted())
    began = time.perf_counter()
    with app.producer_or_acquire() as producer:
        for one in reminders:
            remind.apply_async((one.to, one.body), eta=one.due, producer=producer)
    work.done(time.perf_counter() - began)


if __name__ == "__main__":
    plan()
