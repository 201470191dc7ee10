"""Attacks on the service; each counts its attempts and what got through.

The tests run a short form of each. `python -m tests.attack` runs the long form on SQLite and
PostgreSQL and prints a table.
"""
