"""`python -m bench.identity linking|reconnects|endings|timing`: identity on real hosts."""

from bench.identity.hosts import DATABASE, DOMAIN, beside, imaps, running

__all__ = ["DATABASE", "DOMAIN", "beside", "imaps", "running"]
