"""Reads every new scientific paper so that its subscribers need not.

The way of the data, and the order in which to read the modules:
dumps -> papers -> features -> profiles -> scores -> digests -> messages -> feedback.
`pipeline` runs them as the verbs ingest, learn, compose, send and hear. Imports nothing.
"""

__version__ = "0.2.0"
