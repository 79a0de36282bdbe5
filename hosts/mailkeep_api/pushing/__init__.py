"""Web Push: the news of a message, encrypted for one browser and handed to its push service."""
