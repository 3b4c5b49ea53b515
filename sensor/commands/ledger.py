"""`driftspan ledger verify`: whether the logs that are chains are as they were written: model outputs, access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.case_name import LIVE, check_case
from sensor.commands.common import reading
from sensor.errors import FAILED
from sensor.output import chosen_format, show_rows
from sensor.service.log import say
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.ledger import Verified


def run(arguments: Namespace) -> int:
    from sensor import ledger
    from sensor.access import verified

    case = arguments.case if arguments.case in (None, LIVE) else check_case(arguments.case)
    with reading(arguments) as store:
        chains = list(ledger.verify(store, case))
        chains += verified.verify(store) if case is None else ()
    if not chains:
        where = f"case {case!r}" if case else "the store"
        say(f"{where} holds no outputs of models, no access log: there is nothing to verify")
        return 0
    bad = [row for chain in chains for row in _faults(chain)]
    for chain in chains:
        if not chain.finished:
            say(f"case {chain.name.case_id!r}: its replay did not come to its end")
    show_rows(bad or [_whole(chain) for chain in chains], chosen_format(arguments.format))
    if bad:
        whole = sum(not chain.faults for chain in chains)
        of = f"{whole} of {len(chains)} chains are whole"
        say(f"the log was tampered with: {len(bad)} faults, {of}", "error")
    return FAILED if bad else 0


def _whole(chain: Verified) -> dict[str, object]:
    return {"result": "whole", "case": chain.name.case_id, "sensor": chain.name.sensor, "run": chain.name.run,
            "records": chain.records, "head": chain.head}  # fmt: skip


def _faults(chain: Verified) -> list[dict[str, object]]:
    return [
        {"result": fault.what, "case": chain.name.case_id, "sensor": chain.name.sensor, "run": chain.name.run,
         "seq": fault.seq, "last": fault.last, "ts": iso(fault.ts), "detail": fault.detail}
        for fault in chain.faults
    ]  # fmt: skip
