"""Data files of the package: the base table of word vectors.

README.md says what it was made from.
"""
