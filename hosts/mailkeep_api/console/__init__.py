"""Pages for people. They hold no secret, have nothing inline and load nothing from elsewhere."""
