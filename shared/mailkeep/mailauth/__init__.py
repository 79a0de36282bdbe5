"""Who sent a message, as far as DNS and signatures can tell.

Each module evaluates what it is given and asks `mailkeep.model.dns.Lookups` for the rest. Nothing here opens
a socket, starts a thread or decides what becomes of a message: hosts do that, with the verdicts of this
package.
"""
