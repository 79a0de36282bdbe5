"""Access tokens of OAuth 2 and OpenID Connect: from a bearer's text to a user.

`verifier` decides who vouches for a token, `issuer` asks that one, `provisioning` finds or makes the user.
Nothing here is imported before a host starts to take tokens. A token is never stored, logged or put into
an error; where something is remembered about one, it is under an HMAC of it.
"""
