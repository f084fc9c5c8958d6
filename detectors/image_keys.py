"""How files beside a data set name its images: by the sha256 of their bytes, of which a detector is given a part."""

import re

_SHA256 = re.compile("[0-9a-f]{64}")


def key_of(sha256: str) -> int | None:
    """Returns an image's key, as the data's ``image_key``; None where the text is no sha256 in lower case.

    Examples:
        >>> key_of("ff" * 32) == 2**63 - 1, key_of("ff")
        (True, None)
    """
    return int(sha256[:16], 16) >> 1 if _SHA256.fullmatch(sha256) else None


def start_of_sha256(key: int) -> str:
    """Returns the digits of a sha256 that its key determines; the last bit of the sixteenth is not in the key.

    Examples:
        >>> start_of_sha256(key_of("0123456789abcdef" * 4))
        '0123456789abcde'
    """
    return f"{key << 1:016x}"[:15]
