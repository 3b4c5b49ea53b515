"""The packets of alerts: for each one worth it a pcapng slice beside the store, written once.

`scope` says which packets belong to an alert, `slices` writes them, `shelf` is the directory they lie in and how long,
`collector` brings these together while windows come, `words` says in sentences what the deciding packets did.

A slice holds packets as they were on the wire, secrets among them; files and directories are for their owner alone.
"""

SUFFIX = "-evidence"  # behind the store's name
