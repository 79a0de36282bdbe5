"""Browser sessions: in this process's memory and nowhere else. A restart signs everybody out, by design."""
