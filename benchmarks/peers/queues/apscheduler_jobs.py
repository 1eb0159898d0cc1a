"""APScheduler: one date job per reminder in its SQLAlchemy job store."""

from __future__ import annotations

import logging
import os
import sys
import time
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from queues import work

#: Seconds; "none" means that a job is never too late. APScheduler's own default is one second.
GRACE = os.environ.get("BENCH_GRACE", "1")


def scheduler() -> BackgroundScheduler:
    return BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=os.environ["BENCH_URL"])},
        executors={"default": ThreadPoolExecutor(int(os.environ.get("BENCH_THREADS", "10")))},
        job_defaults={"misfire_grace_time": None if GRACE == "none" else int(GRACE)},
        timezone="UTC",
    )


def plan() -> None:
    reminders, planner = list(work.wanted()), scheduler()
    planner.start(paused=True)
    began = time.perf_counter()
    for one in reminders:
        planner.add_job("queues.work:do", "date", run_date=one.due or datetime.now(UTC), args=(one.to, one.body))
    work.done(time.perf_counter() - began)
    planner.shutdown()


def worker() -> None:
    running = scheduler()
    running.start()
    work.ready()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    {"plan": plan, "worker": worker}[sys.argv[1]]()
