"""Secrets of connections, unreadable to those who see the database: encrypted with a key made of REMINDERS_SECRET_KEY."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reminders.errors import Invalid


class SecretVault:
    """Fernet (AES-128-CBC with HMAC-SHA256) under a key derived with HKDF (RFC 5869)."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"reminders connections").derive(secret_key.encode())
        self._fernet = Fernet(urlsafe_b64encode(derived))

    def seal(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """``Invalid`` when REMINDERS_SECRET_KEY is another than when it was sealed."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as problem:
            raise Invalid("REMINDERS_SECRET_KEY has changed; enter the password again.", field="password") from problem
