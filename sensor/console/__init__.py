"""The analyst's console: pages over the store, for people.

`pages` lists the pages, `console` renders them, `routes` mounts them on the API's app, `queries` asks what the
API does not, `events` tells browsers what is new. `static` and `templates` are what browsers get; `web` brings other
people's JavaScript from npm when the project is built.
"""
