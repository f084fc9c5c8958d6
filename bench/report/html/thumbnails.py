"""Small pictures inside the page."""

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from bench.errors import BenchError
from datamodules import UnreadableImageError, decode_image

LONGEST_SIDE = 128
QUALITY = 60


@dataclass(frozen=True)
class Thumbnail:
    """A small picture, or why there is none.

    Args:
        uri: ``data:image/webp;base64,...``, or empty.
        width: In pixels.
        height: In pixels.
        reason: Why there is no picture.
    """

    uri: str = ""
    width: int = 0
    height: int = 0
    reason: str = ""


class Thumbnails:
    """Makes thumbnails, each image once.

    Args:
        read_bytes: Reads an image's file by its path.
    """

    def __init__(self, read_bytes: Callable[[str], bytes]) -> None:
        self.read_bytes = read_bytes
        self._made: dict[str, Thumbnail] = {}

    def of(self, path: str) -> Thumbnail:
        """Returns the thumbnail of an image; a file that is gone or broken is no error of the page's."""
        if path not in self._made:
            try:
                self._made[path] = make_thumbnail(self.read_bytes(path))
            except UnreadableImageError as error:
                self._made[path] = Thumbnail(reason=f"unreadable: {error}")
            except (OSError, LookupError, ValueError, RuntimeError, BenchError) as error:
                words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                self._made[path] = Thumbnail(reason=f"cannot be read: {words}")
        return self._made[path]


def make_thumbnail(data: bytes) -> Thumbnail:
    """Shrinks a picture to at most ``LONGEST_SIDE``.

    Args:
        data: The bytes of the file.

    Raises:
        UnreadableImageError: They do not hold a whole picture.
    """
    image = decode_image(data)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=4)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/webp;base64,{text}", image.width, image.height)
