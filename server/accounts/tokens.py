"""What is stored in place of a secret that was drawn at random. Knows neither who it belongs to nor what it opens."""

from __future__ import annotations

import hashlib


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal: a secret of 256 random bits needs no slow hash, and an index finds it without telling by
    its time what the secret is."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
