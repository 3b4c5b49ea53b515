import random
from dataclasses import replace

import pytest

from detectors.assets import AssetRow
from sensor import makers

ASSET = AssetRow(bytes(16), "", "", "", (), (), "", -1.0, "", "", "", 0, 0)


@pytest.mark.parametrize(
    ("mac", "maker"),
    [
        ("00:1b:1b:00:00:07", "Siemens"),
        ("08:00:06:00:00:01", "Siemens"),
        ("00:00:bc:00:00:01", "Rockwell Automation"),
        ("F4:54:33:00:00:01", "Rockwell Automation"),
        ("00:00:54:00:00:01", "Schneider Electric"),
        ("00:80:f4:28:00:0b", "Schneider Electric (Telemecanique)"),
        ("00:30:a7:28:00:15", "Schweitzer Engineering Laboratories"),
        ("00:30:de:00:00:01", "WAGO Kontakttechnik GmbH"),
        ("00:21:99:00:00:01", "Vacon Plc"),
        ("00:24:59:00:00:01", "ABB"),
        ("b8:27:eb:28:00:63", "Raspberry Pi Foundation"),
        ("70:b3:d5:12:30:01", ""),  # a block that many makers share
        ("02:00:00:00:00:01", ""),  # made up by whoever set it
        ("01:00:5e:00:00:01", ""),  # a group
        ("00:ff:ff:ff:ff:ff", ""),
        ("", ""),
        ("nonsense", ""),
        ("00:1b:1b:00:00:07:08:09", ""),
    ],
)
def test_makers(mac, maker):
    assert makers.maker(mac) == maker


def test_every_entry_is_read_as_netaddr_reads_it():
    ieee = pytest.importorskip("netaddr.eui.ieee")
    from netaddr import IAB, OUI

    numbers = random.Random(1).sample(sorted(ieee.OUI_INDEX), 300)
    for number in [*numbers, min(ieee.OUI_INDEX), max(ieee.OUI_INDEX)]:
        assert makers._entry("oui", number) == OUI(number).registration().org.strip(" ,.\t")
    for number in random.Random(1).sample(sorted(ieee.IAB_INDEX), 100):
        assert makers._entry("iab", number) == IAB(number).registration().org.strip(" ,.\t")


def test_what_a_host_says_of_itself_counts_more():
    asset = replace(ASSET, mac="00:1b:1b:00:00:07")
    assert makers.named(asset).vendor == "Siemens"
    assert makers.named(replace(asset, vendor="Example Controls")).vendor == "Example Controls"
    assert makers.named(ASSET) is ASSET
