"""One file a family: frozen values, their grammar, and the way back. `imap.parser` knows them all."""
