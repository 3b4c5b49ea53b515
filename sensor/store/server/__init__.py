"""A ClickHouse server, or a cluster of them, as the store.

`place` says where it is, `native` and `over_http` are connections, `store` and `reading` what is done over them.
`upgrade` brings the schema up to date while others try to as well, `layout` makes it one of a cluster.
"""
