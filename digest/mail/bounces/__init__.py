"""A mail that arrives -> what it says of a message of ours.

Pure: nothing is looked up, nothing is believed.

Whether a mail may be trusted is decided by whoever holds the keys, and whose fault a bounce was by
the table that reads replies. Reading order: `values` (what comes out), `reading` (which shape),
`reports`, `letters`, `automatic` (the shapes), `parts` (bytes to parts), `rules` (when what came
back is enough to stop).
"""

from digest.mail.bounces.parts import SIZE_MAX
from digest.mail.bounces.reading import read
from digest.mail.bounces.rules import Rule, decide
from digest.mail.bounces.values import InboundMail, Kind

__all__ = ["SIZE_MAX", "InboundMail", "Kind", "Rule", "decide", "read"]
