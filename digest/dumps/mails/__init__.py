"""Formats of papers that come by mail, and of arXiv's listing pages."""
