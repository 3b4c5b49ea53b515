"""Why did the model drift: joins drift alerts with network events by a log-likelihood ratio.

`Correlator` (in `correlator`) takes `Event`s, `DriftAlert`s and `Fact`s and gives `Incident`s. `events` makes events of
alerts, `graph` is the data flow, `cases` makes cases of drift alerts, `evidence` learns how usual events are here,
`score` is the posterior, `incidents` its words. `factory.json` holds the fitted tables, `kinds.toml` types and texts.
"""
