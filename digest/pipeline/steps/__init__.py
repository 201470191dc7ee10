"""The steps that the verbs of the pipeline are made of.

Nothing outside calls them by name.
"""
