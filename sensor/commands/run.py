"""`driftspan run --interface IF`: live capture, detectors and store, until SIGTERM."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sensor import bpf, config, model_registry
from sensor.case_name import LIVE
from sensor.commands.common import location
from sensor.confine import confine, confine_files, read_by, written_by
from sensor.errors import DriftspanError, InputError
from sensor.places import spool_of
from sensor.service.config import MetricsSection
from sensor.service.log import configure, say

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path

    from parsers import Engine, Recorder
    from sensor.keeper.process import KeeperProcess
    from sensor.listener import Listener
    from sensor.live import Sensor
    from sensor.service.metrics import Page
    from sensor.starter import Starter

_TICK = 2.0  # seconds between two looks at what is not a packet


def run(arguments: Namespace) -> int:
    path = config.find(arguments.config)
    loaded = config.load(path)
    interfaces = _interfaces(arguments, loaded)
    configure(loaded.log)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's own threads only spin here
    gc.set_threshold(100_000)
    config.check_detectors(loaded, path)
    approved = model_registry.configured(loaded.models)  # a manifest that cannot be trusted is said before all else
    from sensor.export import process as export_process
    from sensor.listener import Listener
    from sensor.starter import Starter

    where = location(arguments, loaded)
    program = bpf.compiled(arguments.filter or loaded.capture.filter)
    export_process.check(loaded, where)
    # Before anything is read from the wire, and before there is a thread that would keep what is given up.
    starter = Starter()
    listener = Listener(interfaces, loaded.capture, program, confine=loaded.sensor.confine)
    _give_up(where, path, loaded)
    from sensor.evidence.keeping import Keeping
    from sensor.keeper.process import KeeperProcess
    from sensor.live import Sensor, learnt
    from sensor.replay import pipeline_of
    from sensor.service.report import Reporter
    from sensor.spool.store import SpoolStore
    from sensor.spool.writer import Writer

    evidence = Keeping(where, loaded.evidence, say) if loaded.evidence.enabled else None
    engine = _engine(interfaces, loaded, evidence.recorder if evidence else None, listener)
    page = _page(loaded)
    folder = spool_of(where, loaded.store.spool)
    writer = Writer(folder, loaded.store.spool_mib << 20)
    with closing(SpoolStore(writer, loaded.sensor.name, LIVE)) as store:
        keeper = KeeperProcess(where, loaded, folder, starter)
        said = keeper.models() or []
        pipeline = pipeline_of(loaded, LIVE, models=model_registry.merged(approved, said))
        learnt(pipeline, folder, loaded)
        reporter = Reporter(folder, writer.backlog, page)
        sensor = Sensor(
            engine, store, keeper, loaded, pipeline, folder, reporter, lambda: config.load(path), said, evidence
        )
        _hear_signals(engine, sensor)
        with _following(loaded, keeper), _beside(where, path, loaded, starter):
            starter.seal()
            if loaded.sensor.confine:
                confine("sensor")
            sensor.run()
            signal.setitimer(signal.ITIMER_REAL, 0)
        if not keeper.end():
            say("the store did not take everything in time; the rest waits in the spool for the next start", "warning")
    return 0


def _interfaces(arguments: Namespace, loaded: config.Config) -> list[str]:
    interfaces = arguments.interface or list(loaded.capture.interfaces)
    if not interfaces:
        raise InputError("name an interface with --interface, or in [capture] interfaces of the configuration")
    if len(set(interfaces)) < len(interfaces):
        raise InputError("an interface is named twice")
    return interfaces


@contextmanager
def _following(loaded: config.Config, keeper: KeeperProcess) -> Iterator[None]:
    """The files of [intake], where there are any."""
    if loaded.intake == config.IntakeSection():
        yield
        return
    from sensor.intake.follow import Follower

    follower = Follower(loaded, keeper.keep, say)
    follower.start()
    yield
    follower.end()


def _give_up(where: str, path: Path | None, loaded: config.Config) -> None:
    """Capabilities, and all files but those of the spool, of evidence and of the configuration."""
    from parsers import drop_privileges
    from sensor.evidence.keeping import root_of

    try:
        drop_privileges()
    except OSError as error:
        raise DriftspanError(f"privileges cannot be given up: {error.strerror}") from None
    if loaded.sensor.confine:
        folders = [spool_of(where, loaded.store.spool).absolute()]
        folders += [root_of(where, loaded.evidence).absolute()] if loaded.evidence.enabled else []
        confine_files(read_by(loaded, path), written_by(loaded, *folders), "sensor")


@contextmanager
def _beside(where: str, path: Path | None, loaded: config.Config, starter: Starter) -> Iterator[None]:
    """Console, exports and rules, which read what the keeper keeps."""
    from sensor.api.process import console_beside
    from sensor.export.process import exports_beside

    with (
        exports_beside(where, path, loaded, say, starter),
        console_beside(where, path, loaded.console, say, starter),
    ):
        yield


def _hear_signals(engine: Engine, sensor: Sensor) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: engine.stop())
    signal.signal(signal.SIGHUP, lambda *_: setattr(sensor, "reload_wanted", True))
    signal.signal(signal.SIGALRM, lambda *_: sensor.tick())
    signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)


def _page(loaded: config.Config) -> Page | None:
    """After privileges were given up, which threads that ran before would keep."""
    if loaded.metrics == MetricsSection():
        return None
    try:
        from sensor.service.metrics import Page
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"[metrics] needs {error.name}, which is not installed: pip install 'driftspan[metrics]'"
        ) from None
    return Page(loaded.metrics)


def _engine(
    interfaces: list[str],
    loaded: config.Config,
    recorder: Recorder | None,
    listener: Listener,
) -> Engine:
    from parsers import CaptureError, Engine

    capture = loaded.capture
    try:
        return Engine.live(
            interfaces,
            window_seconds=capture.window_seconds,
            workers=capture.workers,
            limits=loaded.limits,
            vlan_in_key=capture.vlan_in_key,
            ring_mib=capture.ring_mib,
            snaplen=capture.snaplen,
            promiscuous=capture.promiscuous,
            rings=capture.rings,
            recorder=recorder,
            listener=listener.fd,
        )
    except CaptureError as error:
        raise InputError(str(error)) from None
