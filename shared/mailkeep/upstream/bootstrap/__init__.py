"""The first sign-in to an account elsewhere, from a terminal: a person agrees once, tokens land in a file."""
