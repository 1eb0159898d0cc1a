"""These tests share one database of each kind, emptied before each of them."""

from tests.pool import database, databases

__all__ = ["database", "databases"]
