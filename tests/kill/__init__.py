"""The proof of the ledger: real sender processes killed and frozen at random moments before a real
mail server that misbehaves.
"""
