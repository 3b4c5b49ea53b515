"""The programming interface over HTTP: what other programs tell the sensor, and what they ask it.

`owner` holds the store, `posted` reads bodies, `app` has the routes, `serving` listens.
"""
