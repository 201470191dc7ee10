"""A service that mails each subscriber the few new papers worth their time.

The packages in the order in which to read them:
model -> dumps -> papers -> ranking -> mail -> store -> pipeline -> services -> web.
`pipeline` runs the way of the data: ingest, learn, compose, send, feedback. Imports nothing.
"""

__version__ = "0.2.0"
