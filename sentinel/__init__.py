"""Sentinel watches a tailnet and says what changed."""

__version__ = "0.1.0"
