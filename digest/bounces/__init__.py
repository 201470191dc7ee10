"""A mail that came back -> what it says of the message and the address. Pure: nothing is looked up, nothing is believed.

Whether a mail may be trusted is decided by whoever holds the keys, and whose fault a bounce was by the table that reads replies. Reading order:
`rules` (when it is enough).
"""

from digest.bounces.rules import Rule, decide

__all__ = ["Rule", "decide"]
