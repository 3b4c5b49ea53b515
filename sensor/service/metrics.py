"""The page that Prometheus reads, and the file for node_exporter: the facts of `report.py` under Prometheus' names.

Counters end in `_total`, units are seconds and bytes, and no label has more values than there are interfaces,
protocols, severities or counters of the packet path. Host addresses are never labels: they are in the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server, write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from detectors.alert import SEVERITIES
from detectors.learning import MODES
from sensor.errors import DriftspanError
from sensor.service.config import address

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.core import Metric

    from sensor.service.config import MetricsSection

    Facts = dict[str, Any]

_OF_INTERFACES = (  # fact, counter, what it is
    ("packets", "driftspan_packets", "Packets taken from the interface"),
    ("bytes", "driftspan_received_bytes", "Bytes of the packets taken from the interface"),
    ("dropped", "driftspan_dropped_packets", "Packets that the kernel had no room for"),
    ("truncated", "driftspan_truncated_packets", "Packets longer than the snap length"),
)
_COUNTERS = (
    ("windows", "driftspan_windows", "Windows of packet time that were judged"),
    ("spool_rows_lost", "driftspan_spool_lost_rows", "Message rows given up because the spool was full"),
    ("keeper_restarts", "driftspan_keeper_restarts", "Times that the process which keeps the store was begun again"),
    ("stored_rows", "driftspan_stored_rows", "Rows that the store has acknowledged since its keeper began"),
)
_GAUGES = (
    ("lag_seconds", "driftspan_lag_seconds", "Age of the latest window's end when it was committed"),
    ("spool_waiting_files", "driftspan_spool_files", "Files that wait for the store"),
    ("spool_waiting_bytes", "driftspan_spool_bytes", "Bytes that wait for the store"),
    ("spool_limit_bytes", "driftspan_spool_limit_bytes", "Bytes that may wait before messages are given up"),
    ("store_delay_seconds", "driftspan_store_delay_seconds", "For how long the oldest waiting file has waited"),
    ("keeper_rss_bytes", "driftspan_keeper_resident_memory_bytes", "Memory of the process that keeps the store"),
    ("detectors_failed", "driftspan_detectors_failed", "Detectors that were switched off because they failed"),
)


class Page(Collector):
    """DriftspanError where nothing can listen."""

    def __init__(self, section: MetricsSection) -> None:
        self._section = section
        self._facts: Facts | None = None
        self._waiting: Callable[[], Mapping[str, float]] = dict
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        self._server: tuple[Any, threading.Thread] | None = None
        if section.listen:
            host, port = address(section.listen)
            try:
                self._server = start_http_server(port, host, self._registry)
            except OSError as error:
                raise DriftspanError(
                    f"[metrics] listen {section.listen}: nothing can listen there: {error.strerror}"
                ) from None

    def publish(self, facts: Facts, waiting: Callable[[], Mapping[str, float]]) -> None:
        """`waiting`: asked whenever somebody reads, for what waits for the store. OSError where the textfile cannot be
        written."""
        self._facts, self._waiting = facts, waiting
        if self._section.textfile:
            write_to_textfile(self._section.textfile, self._registry)

    def end(self) -> None:
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()

    def collect(self) -> Iterator[Metric]:
        facts = self._facts
        if facts is None:
            return
        facts = {**facts, **self._waiting()}
        about = {"version": facts["version"], "sensor": facts["sensor"]}
        yield InfoMetricFamily("driftspan_build", "The program", value=about)
        yield _gauge("driftspan_start_time_seconds", "When the sensor began", facts["since"] / 1e9)
        yield _gauge("driftspan_window_end_timestamp_seconds", "End of the latest window", facts["packet_time"] / 1e9)
        yield from _of_interfaces(facts["interfaces"])
        for fact, name, text in _COUNTERS:
            yield CounterMetricFamily(name, text, value=facts[fact])
        for fact, name, text in _GAUGES:
            yield _gauge(name, text, facts[fact])
        yield _gauge("driftspan_store_failing", "1 while the store takes no rows", float(bool(facts["store_problem"])))
        learning = GaugeMetricFamily("driftspan_learning", "1 for how far learning is", labels=["state"])
        for mode in MODES:
            learning.add_metric([mode], float(mode == facts["learning"]))
        yield learning
        yield _labelled("driftspan_alerts", "Alerts raised and shown", "severity",
                        {each: facts["severities"].get(each, 0) for each in SEVERITIES})  # fmt: skip
        yield from _of_packet_path(facts["counters"])


def _of_interfaces(interfaces: list[dict[str, Any]]) -> Iterator[Metric]:
    for fact, name, text in _OF_INTERFACES:
        yield _labelled(name, text, "interface", {each["name"]: each[fact] for each in interfaces})
    last = GaugeMetricFamily("driftspan_last_packet_timestamp_seconds", "Time of the latest packet",
                             labels=["interface"])  # fmt: skip
    for each in interfaces:
        last.add_metric([each["name"]], each["last"] / 1e9)
    yield last


def _of_packet_path(counters: dict[str, int]) -> Iterator[Metric]:
    messages = {name.removeprefix("messages."): n for name, n in counters.items() if name.startswith("messages.")}
    yield _labelled("driftspan_messages", "Messages dissected", "protocol", messages)
    others = {name: n for name, n in counters.items() if not name.startswith("messages.")}
    yield _labelled("driftspan_packet_path", "Counters of the packet path, losses as dropped.…", "counter", others)


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
