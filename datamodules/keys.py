"""Numbers and digests that stand for an image's bytes."""

import hashlib


def image_key(sha256: str) -> int:
    """Turns the sha256 of an image's bytes into its key, an integer of 63 bits.

    Examples:
        >>> image_key("ff" * 32) == 2**63 - 1
        True
    """
    return int(sha256[:16], 16) >> 1


def sha256_of(data: bytes) -> str:
    """Returns the hexadecimal sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()
