"""Benchmark clients: they measure any mail server by host and port, and print JSON.

Never timed tests: a figure depends on the machine, so compare two servers in one run, side by side.
"""
