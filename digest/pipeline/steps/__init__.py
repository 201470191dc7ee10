"""The steps that the verbs of the pipeline are made of; nothing outside calls them by name."""
