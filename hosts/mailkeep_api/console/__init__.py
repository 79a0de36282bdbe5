"""Pages for people. They hold no secret, run no script and load nothing from elsewhere."""
