"""dramatiq on Redis: one message per reminder, delayed when it is not due at once."""

from __future__ import annotations

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from queues import work


class Ready(dramatiq.Middleware):
    def after_worker_boot(self, _broker: object, _worker: object) -> None:
        work.ready()


broker = RedisBroker(url=os.environ["BENCH_URL"])
broker.add_middleware(Ready())
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name="remind", queue_name=os.environ["BENCH_QUEUE"])
def remind(to: str, body: str) -> None:
    work.do(to, body)


def plan() -> None:
    reminders = list(work.wanted())
    began = time.perf_counter()
    for one in reminders:
        delay = None if one.due is None else max(0, round((one.due.timestamp() - time.time()) * 1000))
        remind.send_with_options(args=(one.to, one.body), delay=delay)
    work.done(time.perf_counter() - began)


if __name__ == "__main__":
    plan()
