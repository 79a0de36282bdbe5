"""The POP3 host: Twisted's transport and TLS around the machine in `mailkeep.pop3`, on the store.

`server` binds and stops, `wire` is one connection's transport, `session` reads commands and answers them in
order, `authorization` and `transaction` are the two states that a client sees, `maildrop` is INBOX as it
was at login, `retrieval` is RETR and TOP.
"""
