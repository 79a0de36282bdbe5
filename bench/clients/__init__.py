"""One file a measurement. Each speaks just enough of its protocol to cost less than the server does."""
