from __future__ import annotations

import pytest

from sensor.case_name import case_name, check_case
from sensor.errors import InputError


@pytest.mark.parametrize(
    ("captures", "name"),
    [
        (["a/plant.pcap"], "plant"),
        (["plant.pcapng.gz"], "plant"),
        (["plant.v2.pcap.zst"], "plant.v2"),
        (["plant"], "plant"),
        ([".pcap"], ".pcap"),
        (["-"], "stdin"),
        (["live.pcap"], "live-capture"),
        (["a\x1b[2J.pcap"], "a_[2J"),
    ],
)
def test_one_capture(captures: list[str], name: str) -> None:
    assert case_name(captures) == name
    assert check_case(case_name(captures)) == name


def test_several_captures_in_any_order_are_one_case() -> None:
    name = case_name(["x/b.pcap", "y/a.pcap"])
    assert name == case_name(["a.pcap", "b.pcap"])
    assert name.startswith("a-and-1-more-")
    assert name != case_name(["a.pcap", "c.pcap"])


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "live"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        check_case(name)
