"""Webhooks: who is told of changes, and telling them."""
