"""Mail for other domains: where it goes, over what, and what the other side says."""
