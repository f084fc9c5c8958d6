"""Round trips through an encoder: JPEG, WebP, AVIF and HEIC."""

import io
from dataclasses import dataclass

from PIL import Image, features

from datamodules.degradations.steps.base import Axis, Degradation
from datamodules.errors import DataOptionError
from datamodules.image_formats import opens_heic
from datamodules.reading import UnreadableImageError

FORMS = {"jpeg": "JPEG", "webp": "WEBP", "avif": "AVIF", "heic": "HEIF"}
"""What a codec is called in a condition, and by Pillow."""
SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}
"""Of JPEG's two channels of colour, in a condition and in Pillow's words; the first is the default."""
ALONE = {"AVIF": {"max_threads": 1}}
"""What an encoder is told so that its bytes depend on no number of cores: an AVIF may have a tile for each."""


@dataclass(frozen=True)
class Compression(Degradation):
    """A round trip through a lossy encoder, with Pillow's defaults but for the quality.

    Args:
        form: In Pillow's words: ``JPEG``, ``WEBP``, ``AVIF``, or ``HEIF`` of the library pillow-heif.
        quality: 1 to 100, on each encoder's own scale.
        subsampling: Of JPEG alone: ``420``, ``422`` or ``444``.
    """

    form: str
    quality: int
    subsampling: str = "420"
    axis = Axis("quality", falling=True)

    @property
    def name(self) -> str:  # type: ignore[override] # noqa: D102 - the base documents it, here and below
        return next(name for name, form in FORMS.items() if form == self.form)

    @property
    def level(self) -> float:  # noqa: D102
        return float(self.quality)

    @property
    def options(self) -> str:  # noqa: D102
        return "" if self.subsampling == "420" else f",subsampling={self.subsampling}"

    def prepare(self) -> None:  # noqa: D102
        if self.form == "AVIF" and not features.check("avif"):
            raise DataOptionError(f"{self.text} needs a Pillow that writes AVIF: version 11.3 or newer.")
        if self.form == "HEIF" and not _writes_heic():
            raise DataOptionError(
                f"{self.text} needs the library pillow-heif with an encoder: pip install 'fauxbench[heic]'."
            )

    def apply(self, image: Image.Image, key: int, draw: int) -> Image.Image:  # noqa: D102
        if self.form == "HEIF":
            opens_heic()  # once more in a process that shares no memory with the one that prepared
        data = encoded(image, self.form, self.quality, self.subsampling)
        return Image.open(io.BytesIO(data), formats=(self.form,)).convert("RGB")


def _writes_heic() -> bool:
    """Tries, since the library may have been built to read alone."""
    try:
        return opens_heic() and bool(encoded(Image.new("RGB", (64, 64)), "HEIF", 50))
    except (UnreadableImageError, KeyError):  # Pillow's, where nobody registered a writer
        return False


def encoded(image: Image.Image, form: str, quality: int, subsampling: str = "420") -> bytes:
    """Encodes a picture with Pillow's defaults, without the comments and profiles of the file it came from.

    Raises:
        UnreadableImageError: The format cannot hold a picture of this size.
    """
    bare, buffer = image.copy(), io.BytesIO()
    bare.info = {}
    options: dict[str, int | str] = dict(ALONE.get(form, {}))
    if form == "JPEG":
        options["subsampling"] = SUBSAMPLINGS[subsampling]
    try:
        bare.save(buffer, form, quality=quality, **options)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and form not in ("AVIF", "HEIF"):  # theirs raise it of a size
            raise
        raise UnreadableImageError(f"{image.width} x {image.height} cannot be written as {form}") from error
    return buffer.getvalue()
