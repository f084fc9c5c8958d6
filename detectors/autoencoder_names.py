"""Names of the autoencoders that there are, and how others are written."""

import re

EMBEDDED = ("embedded-a", "embedded-b")
HUB_ADDRESS = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)?")
PUBLISHED = {
    "sd1": "CompVis/stable-diffusion-v1-1/vae",
    "sd2": "stabilityai/stable-diffusion-2-base/vae",
    "kandinsky-2.1": "kandinsky-community/kandinsky-2-1/movq",
}
"""The autoencoders of the published experiments, as hub repository and folder."""
