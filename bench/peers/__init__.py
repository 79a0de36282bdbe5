"""Side by side: Mailkeep on each database, Debian's Dovecot and Debian's Postfix, in one run.

Every server runs privately on loopback, from a directory of its own that is removed at the end. Every row is
measured with the same client and the same messages, the servers taking turns in each round, because only
figures of one run on one machine compare.
"""
