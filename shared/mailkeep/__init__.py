"""Mailkeep: one mail store behind four hosts, for people whose identity lives elsewhere."""

__version__ = "0.1.0"
