"""The image formats that are read: told by what the bytes are, never by a file's name."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from PIL import Image

IMAGE_ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pnm")
) | {".avif", ".heic", ".heif", ".jp2", ".jxl", ".tga"}
"""Endings, in lower case, of the files that count as images."""

_PLUGINS = ("Jpeg", "Png", "WebP", "Avif", "Bmp", "Gif", "Tiff", "Ppm", "Jpeg2K")
_STARTS = {b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp", b"II*\0": ".tif", b"MM\0*": ".tif", b"RIFF": ".webp"}
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000")

# What is told apart, so that its reason can say what it is.
_FOREIGN = (
    *((b"%!PS", "EPS"), (b"\xc5\xd0\xd3\xc6", "EPS"), (b"%PDF", "PDF"), (b"8BPS", "PSD"), (b"SIMPLE  =", "FITS")),
    *((b"<svg", "SVG"), (b"\0\0\1\0", "ICO")),
    *((b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL")),
)
HEIC_REFUSED = "HEIC: convert it, or install fauxbench[heic]"
_REASONS = {"JPEG XL": "JPEG XL: convert it", "HEIC": HEIC_REFUSED}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_TGA_DEPTHS = {1: (8,), 2: (16, 24, 32), 3: (1, 8, 16), 9: (8,), 10: (16, 24, 32), 11: (1, 8, 16)}


def formats_of(data: bytes) -> tuple[str, ...]:
    """Names the decoders, in Pillow's words, that some bytes may be given to; none where they are of another format.

    Everything else that Pillow can open (EPS, by running Ghostscript, and some thirty formats that nobody tries to
    break) stays closed, whatever other libraries register.
    """
    name = foreign_format(data)
    if name == "HEIC" and opens_heic():
        return ("HEIF",)
    if name is not None:
        return ()
    return (*_known(), "TGA") if _may_be_tga(data) else _known()


def ending_of(data: bytes) -> str:
    """Returns the ending of files of an image's format; of what is not known, that of the most frequent format.

    Examples:
        >>> ending_of(b"GIF89a"), ending_of(b"")
        ('.gif', '.jpg')
    """
    return next((ending for start, ending in _STARTS.items() if data.startswith(start)), ".jpg")


def foreign_format(data: bytes) -> str | None:
    """Names a format that Pillow is not asked to read, by the bytes; None for any other.

    Examples:
        >>> foreign_format(b"%!PS-Adobe-3.0 EPSF-3.0")
        'EPS'
    """
    if data[4:8] == b"ftyp" and not _HEIC_BRANDS.isdisjoint(_brands(data)):
        return "HEIC"
    return next((name for start, name in _FOREIGN if data.startswith(start)), None)


def refusal(data: bytes) -> str:
    """Says in a few words why bytes that no decoder takes are not read."""
    name = foreign_format(data)
    if name is None or (name == "HEIC" and has_heic()):
        return "not an image"
    return _REASONS.get(name, f"{name}: not an image format that is read")


def has_heic() -> bool:
    """Says whether the library is installed that reads HEIC; it is not imported."""
    return find_spec("pillow_heif") is not None


def _brands(data: bytes) -> set[bytes]:
    """Returns the brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one and those it is like."""
    end = min(int.from_bytes(data[:4]), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}


def _may_be_tga(data: bytes) -> bool:
    """Looks at a TGA's header, which has no mark of its own: Pillow would also take some videos, cursors and noise."""
    if len(data) < 18:
        return False
    mapped, kind, depth, flags = data[1], data[2], data[16], data[17]
    colours = mapped == 1 if kind & 7 == 1 else mapped == 0 and not any(data[3:8])
    return colours and depth in _TGA_DEPTHS.get(kind, ()) and not flags & 0xC0


@cache
def _known() -> tuple[str, ...]:
    """Loads the plugins; an older Pillow has none for AVIF."""
    import_module("PIL.TgaImagePlugin")
    for plugin in _PLUGINS:
        try:
            import_module(f"PIL.{plugin}ImagePlugin")
        except ModuleNotFoundError:
            continue
    return tuple(name for name in _FORMATS if name in Image.OPEN)


@cache
def opens_heic() -> bool:
    """Has Pillow read and write HEIC, where the library is installed, and says whether it is."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True
