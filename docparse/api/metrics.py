"""Figures for Prometheus. Labels are routes, methods, statuses, engines and states: few, and none of a client's own."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from docparse.api.job import STATES
from docparse.api.ports import Figures

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter was made: a line more for each, which nobody asks for
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Those of one app. What the service counts is asked for when somebody looks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._figures: Figures | None = None
        labels = ("method", "route", "status")
        self._requests = Counter("docparse_http_requests", "Requests answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "docparse_http_request_seconds",
            "Until the answer's end",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_hand = Gauge("docparse_http_requests_in_hand", "Requests being answered", registry=self.registry)
        self.uploads = Gauge("docparse_uploads_in_hand", "Uploads being received", registry=self.registry)
        self.upload_bytes = Counter("docparse_upload_bytes", "Bytes of files received", registry=self.registry)
        self.streams = Gauge("docparse_event_streams", "Streams of events being sent", registry=self.registry)
        self._refused = Counter("docparse_refused", "Requests refused, by error", ("code",), registry=self.registry)
        self.registry.register(self)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """``route``: a template, such as ``/v1/jobs/{id}``."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, code: str) -> None:
        """``code`` of an error of docparse's."""
        self._refused.labels(code).inc()

    def text(self, figures: Figures) -> bytes:
        """All of it, as Prometheus reads it."""
        self._figures = figures
        return generate_latest(self.registry)

    def collect(self) -> Iterable[Metric]:
        """Called by the registry: the service's own figures."""
        figures = self._figures
        if figures is None:
            return
        jobs = GaugeMetricFamily("docparse_jobs", "Jobs by state", labels=["state"])
        for state in STATES:
            jobs.add_metric([state], float(figures.jobs.get(state, 0)))
        yield jobs
        pages = CounterMetricFamily("docparse_pages", "Pages read, by engine and verdict", labels=["engine", "status"])
        for (engine, status), count in sorted(figures.verdicts.items()):
            pages.add_metric([engine, status], float(count))
        yield pages
        for name, value in sorted(figures.readers.items()):
            yield GaugeMetricFamily(f"docparse_readers_{name}", "Of the readers of pages", value=float(value))
