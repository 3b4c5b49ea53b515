"""Who may do what: users, sessions, tokens, and the log of what they did.

`roles` says what a role may do, `who` is somebody who asks. Users, sessions and tokens are in a file of their own
(`database`), never in the store: `query` shows everything there. `desk` is all of it together.
"""
