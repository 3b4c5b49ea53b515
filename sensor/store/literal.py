"""Values in SQL."""


def quote(text: str) -> str:
    """A string literal; NUL and line ends are written out."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\0", "\\0").replace("\n", "\\n") + "'"
