"""What is in a message: structure by offsets, ready IMAP values, decoded text. Pure functions over octets.

No input makes any of it raise, all of it is bounded by named limits, and no octet of a message is ever
changed: what is served is what was received.
"""
