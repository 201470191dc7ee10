"""Formats of catalogues, archives and publishers: what a service answers or gives away."""
