"""The images of the embedded demo data set: photographs, and their counterparts by two small neural generators."""

from datamodules.demo_images.manifest import ManifestEntry, load_manifest
from datamodules.demo_images.tree import build_demo_images

__all__ = [
    "ManifestEntry",
    "build_demo_images",
    "load_manifest",
]
