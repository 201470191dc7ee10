"""What an attacker or a bad day does to the service, each as an attack that counts what it tried
and what got through.

The tests run a short form of each; `python -m tests.attack` runs the long form on SQLite and
PostgreSQL and prints a table.
"""
