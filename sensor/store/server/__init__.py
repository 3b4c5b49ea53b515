"""A ClickHouse server, or a cluster of them, as the store.

`place` says where it is, `native` is a connection, `store` and `reading` what is done over it, `upgrade` brings the
schema up to date while others try to as well.
"""
