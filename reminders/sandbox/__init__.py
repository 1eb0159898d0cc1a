"""A local Twilio: the part of its REST API that the product uses, with phones on a web page.

Mounted at ``/sandbox``, so that ``TWILIO_API_URL`` is the application's own address followed by ``/sandbox``.
"""

from __future__ import annotations

from reminders.sandbox.records import Faults, Phone, SandboxCall, SandboxMessage
from reminders.sandbox.state import Sandbox

__all__ = ["Faults", "Phone", "Sandbox", "SandboxCall", "SandboxMessage"]
