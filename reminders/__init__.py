"""Appointment scheduling and reminders that people can trust."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("reminders")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0"
