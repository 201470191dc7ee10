"""Formats of libraries and of lists of references, as people export them."""
