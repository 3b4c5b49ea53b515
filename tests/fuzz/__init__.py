"""The Python edges under a fuzzer, and campaigns over all targets."""

EDGES = ("configuration", "bodies", "sql", "manifests")  # functions of `edges`
