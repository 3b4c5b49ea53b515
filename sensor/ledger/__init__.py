"""Records that nobody rewrites quietly.

Every record of a stream (`streams.py`) has a leaf in the table `ledger_leaves`, written with it: the SHA-256 of what
was written (`encoding.py`), a number, a link of a hash chain and a seal under a key that the store does not hold. The
leaves of a stream and log are a Merkle tree as of RFC 6962 (`merkle.py`); its head is signed with Ed25519 now and then
(`note.py`), kept in the table `tree_heads`, beside the store and wherever `[ledger] heads` says.

A *log* is what one key writes: one machine's directory (`keys.py`), several processes in turn. A row that takes the
place of an earlier state of itself (an alert that goes on) has a leaf a state: the row must be what its latest leaf
says. What is removed on purpose has a leaf that says so, before it goes.

A log witnesses only itself: who holds the key, or both the store and the directory, writes another history. Heads that
were taken to another machine are what shows that.
"""
