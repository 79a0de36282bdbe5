"""Mail accounts elsewhere (Gmail, Outlook, any server): Mailkeep as their client.

What belongs here: proving who we are with a password or a token, keeping tokens fresh, fetching, sending.
What is refused: keeping a secret. Passwords and tokens lie where the operator put them (environment, a file
of mode 0600, a credential of the service manager); the store has configuration and positions only.
"""
