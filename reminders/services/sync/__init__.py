"""Keeping other systems in step with ours: one engine for every connector."""
