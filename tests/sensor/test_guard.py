from __future__ import annotations

import pytest

from sensor.errors import InputError
from sensor.store.guard import check_reading


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        " select 1 ; ;\n",
        "-- what\nWITH x AS (SELECT 1) SELECT * FROM x",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SHOW TABLES",
        "DESCRIBE modbus",
        "EXPLAIN SELECT 1",
        "SELECT 'drop table x; select 2', \"file\" FROM y",
        "SELECT file FROM files",
        "SELECT 1 -- ; DROP TABLE x",
        "SELECT /* file('x') */ 1",
        "SELECT format('{}', a) FROM t",
        "SELECT 'it''s', 'a\\'; b'",
    ],
)
def test_reading_is_allowed(sql: str) -> None:
    assert check_reading(sql).rstrip().rstrip(";").strip()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("", "empty"),
        (" ;", "empty"),
        ("DROP TABLE modbus", "only SELECT"),
        ("INSERT INTO x SELECT 1", "only SELECT"),
        ("SET readonly = 0", "only SELECT"),
        ("SYSTEM SHUTDOWN", "only SELECT"),
        ("KILL QUERY WHERE 1", "only SELECT"),
        ("SELECT 1; DROP TABLE x", "one statement"),
        ("SELECT * FROM file('/etc/passwd')", "file()"),
        ("SELECT FILE ('/etc/passwd')", "file()"),
        ("SELECT `file`('/etc/passwd')", "file()"),
        ("SELECT \"file\"('/etc/passwd')", "file()"),
        ("SELECT * FROM url/**/('http://x')", "url()"),
        ("SELECT * FROM s3Cluster('a', 'b')", "s3cluster()"),
        ("SELECT * FROM Python(x)", "python()"),
        ("SELECT 1 INTO OUTFILE 'x.csv'", "OUTFILE"),
        ("SELECT 1 into\noutfile 'x.csv'", "OUTFILE"),
        ("SELECT 1 FORMAT CSV", "--format"),
    ],
)
def test_anything_else_is_not(sql: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
        check_reading(sql)
