"""Drift of what models say and of what they are fed: `Monitor` takes readings, gives `DriftAlert`s.

`rows` holds the types, `monitor` the streams together, `stream` one of them, `external` takes in other tools' alerts.
"""
