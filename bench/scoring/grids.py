"""The grids of conditions that ``robustness --preset`` knows: published ones, and `WILD`."""

from datamodules.degradations import PRESETS as PUBLISHED

WILD = (
    *(f"social-{network},at=original" for network in ("x", "facebook", "whatsapp", "instagram")),
    "social-whatsapp,rounds=2,at=original",
    "double-jpeg,at=original",
    "dda,at=original",
    "ntire,at=original",
    "screenshot,at=original",
    "thumbnail:128,at=original",
    "letterbox,at=original",
    *("jpeg:75", "jpeg:75,subsampling=444", "avif:50", "greyscale"),
    *("vae:embedded-a@real", "upscale:embedded-a@real"),
)
"""What images meet on their way: sites, codecs, viewers, and networks that make a photograph anew.

What a site or a viewer does, it does to the file's own pixels, so that stands before the dataset's resize. Codecs stand
after it, where a detector sees the blocks. The networks are the demo's small ones, which need no download.
"""
PRESETS = {**PUBLISHED, "wild": WILD}
