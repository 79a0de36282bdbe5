"""The operator's command line: one file per command group."""
