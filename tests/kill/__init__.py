"""Kill tests of the ledger.

Real sender processes are killed and frozen at random moments, before a real mail server that
misbehaves.
"""
