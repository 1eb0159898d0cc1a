"""What this process counts. No label ever holds personal data."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from reminders.clock import Clock, stopwatch
from reminders.services.health import Health


class Installation(Collector):
    """Read when somebody asks: statements sent, seconds since a worker ticked."""

    def __init__(self, health: Health, clock: Clock) -> None:
        self._health = health
        self._clock = clock

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        statements = CounterMetricFamily("reminders_sql_statements", "SQL statements sent by this process")
        statements.add_metric([], self._health.statements())
        yield statements
        condition = self._health.check()
        refused = GaugeMetricFamily(
            "reminders_account_refused", "1 while a provider refuses our account", labels=["provider"]
        )
        for provider in ("messages", "mail"):
            refused.add_metric([provider], float(any(one.provider == provider for one in condition.refused)))
        yield refused
        tick = condition.last_tick
        if tick is not None:
            age = (self._clock.now() - tick).total_seconds()
            yield GaugeMetricFamily("reminders_clock_age_seconds", "Since a worker last ticked", value=age)


def install(app: Flask, registry: CollectorRegistry) -> None:
    """Count requests and time them, by route and status."""
    seconds = Histogram(
        "reminders_http_seconds", "Time to answer", ["route"], registry=registry,
        buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
    )  # fmt: skip
    answers = Counter("reminders_http_answers", "Answers", ["route", "status"], registry=registry)

    @app.before_request
    def begin() -> None:
        g.began = stopwatch()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.endpoint or "none"
        if "began" in g:
            seconds.labels(route).observe(stopwatch() - g.began)
        answers.labels(route, str(response.status_code)).inc()
        return response
