"""Measure how many readers this machine can serve, with the real commands."""
