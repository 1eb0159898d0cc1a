"""The demonstration: a small believable clinic with a past, phones to look at, and keys to try the API with."""

from reminders.demo.opening import prepare

__all__ = ["prepare"]
