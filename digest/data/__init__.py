"""What ships with the package and is not code: the base table of word vectors (README.md says what
it was made from).
"""
