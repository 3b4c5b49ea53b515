import itertools

from detectors.alert import alert_id, worse, worst
from detectors.book import FRAMES, MEMBERS, REFRESH, Book


def entry(book, **more):
    return book.cause("scan.ports", (b"a" * 16, b"b" * 16), **more)[1]


def test_ids_name_the_cause_and_its_parts_apart():
    assert alert_id("k", "ab", "c") != alert_id("k", "a", "bc") != alert_id("k2", "a", "bc")
    assert len(alert_id("scan.ports", b"\1", 5)) == 32


def test_severities():
    assert (worse("high"), worse("critical"), worse("info", -1), worst("low", "high", "medium")) == (
        "critical",
        "critical",
        "info",
        "high",
    )


def test_written_when_new_when_it_says_more_and_now_and_then():
    book = Book("scan")
    entry(book).seen(1, 5, 5)
    assert [a.count for a in book.due(10)] == [1] and book.due(10) == []
    entry(book).seen(1, 15, 15)
    assert book.due(20) == []  # only the count differs
    assert [a.count for a in book.due(10 + REFRESH)] == [2]
    entry(book).add("targets", ["x"])
    assert [a.evidence["targets"] for a in book.due(30 + REFRESH)] == [["x"]]
    entry(book).seen(1, 99, 99)
    assert [(a.count, a.first_ts, a.last_ts) for a in book.rest()] == [(3, 5, 99)] and book.rest() == []


def test_an_update_keeps_its_id_and_time():
    book = Book("scan")
    entry(book).seen(1, 5, 5)
    [first] = book.due(10)
    entry(book, severity="critical").seen(7, 6, 50)
    [second] = book.due(20)
    assert (first.alert_id, first.ts) == (second.alert_id, second.ts) and second.severity == "critical"


def test_the_order_of_additions_is_not_to_be_seen():
    def told(order):
        cause = entry(Book("scan"))
        for n in order:
            cause.add("targets", [n])
            cause.shown(n, n + 1, "a" if n else "b")
            cause.between(n, bytes([n]) * 16, b"z" * 16)
        return cause.alert("scan", "id")

    plain = list(range(MEMBERS + 20))
    assert told(plain) == told(plain[::-1]) == told(plain[1::2] + plain[::2])
    alert = told(plain)
    assert alert.evidence["targets"] == plain[:MEMBERS] and alert.evidence["truncated"] == ["targets"]
    assert alert.capture == "b" and alert.frames == (1,)


def test_frames_are_bounded_and_of_one_capture():
    cause = entry(Book("scan"))
    for n in range(1, 100):
        cause.shown(n, n, "a.pcap")
    assert cause.alert("scan", "id").frames == tuple(range(1, FRAMES + 1))


def test_the_cause_quiet_for_longest_leaves(monkeypatch):
    monkeypatch.setattr("detectors.book.CAUSES", 3)
    book = Book("scan")
    for n in range(5):
        book.cause("scan.ports", (n,))[1].seen(1, n, n)
    assert len(book.due(10)) == 5  # written before it leaves
    assert len(book) == 3 and book.evicted == 2


def test_snapshots(monkeypatch):
    book = Book("scan")
    for n, severity in itertools.product(range(3), ("low", "high")):
        _, cause = book.cause("scan.units", (n,), severity=severity)
        cause.seen(2, n, n + 9)
        cause.shown(n, 4, "c")
        cause.add("targets", [n])
    other = Book("scan")
    other.restore(book.snapshot())
    assert other.snapshot() == book.snapshot() and other.due(99) == book.due(99)


def test_of_a_storm_the_first_are_told_one_by_one_and_the_rest_together(monkeypatch):
    monkeypatch.setattr("detectors.book.STORM", 3)

    def told(order):
        book = Book("scan")
        for n in order:
            _, cause = book.cause("scan.units", (n,), severity="high" if n == 7 else "low")
            cause.seen(2, n, n + 9)
            cause.between(n, bytes([n]) * 16, b"z" * 16)
            cause.shown(n, n + 1, "c")
        return book, book.due(100)

    book, alerts = told(range(9))
    assert [a.first_ts for a in alerts] == [0, 1, 2, 3], "the first three, then that which counts the others"
    *_, storm = alerts
    assert (storm.count, storm.severity, storm.last_ts) == (12, "high", 17)
    assert storm.evidence["grouped"] == 6 and len(storm.evidence["sources"]) == 6
    assert book.grouped == book.snapshot()["grouped"] == 6 and len(book) == 4
    assert told(reversed(range(9)))[1] == alerts, "the order of rows does not matter"
    _, cause = book.cause("scan.units", (8,))
    cause.seen(1, 200, 200)
    assert [a.count for a in book.due(201)] == [1], "one that goes on after the storm is told by itself"
