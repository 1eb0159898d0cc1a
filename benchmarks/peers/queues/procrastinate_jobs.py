"""procrastinate: one job per reminder, stored in batches where they are due together, run 64 at once.

Its worker is asynchronous; the sending is handed to threads, because the small pool that it would use is no match.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from procrastinate import App, PsycopgConnector

from queues import work

CONCURRENCY = int(os.environ.get("BENCH_THREADS", "64"))
BATCH = 1000
app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_URL"], max_size=8))


@app.task(name="remind")
async def remind(to: str, body: str) -> None:
    if os.environ["BENCH_JOB"] == "tick":
        work.do(to, body)
    else:
        await asyncio.get_running_loop().run_in_executor(None, work.do, to, body)


async def prepare() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def plan() -> None:
    reminders = list(work.wanted())
    async with app.open_async():
        began = time.perf_counter()
        for due, together in itertools.groupby(reminders, key=lambda one: one.due):
            job = remind.configure(schedule_at=due)
            some = [{"to": one.to, "body": one.body} for one in together]
            for start in range(0, len(some), BATCH):
                await job.batch_defer_async(*some[start : start + BATCH])
        work.done(time.perf_counter() - began)


async def worker() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENCY))
    async with app.open_async():
        work.ready()
        await app.run_worker_async(concurrency=CONCURRENCY, listen_notify=True)


if __name__ == "__main__":
    asyncio.run({"prepare": prepare, "plan": plan, "worker": worker}[sys.argv[1]]())
