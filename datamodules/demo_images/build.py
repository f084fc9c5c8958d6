"""Build the images of the demo data set: ``python -m datamodules.demo_images.build``.

With ``--write-manifest`` the images made here become the right ones: only after a change of photographs, crops or
weights, which changes every number reported on the demo.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from datamodules.demo_images.images import describe_image, list_recipes, make_image
from datamodules.demo_images.manifest import write_manifest
from datamodules.demo_images.tree import build_demo_images
from datamodules.errors import DemoImageMismatchError, PhotographMissingError


def main() -> None:
    """Build the images and print their folder, or write a new manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder in which the images' folder is made")
    parser.add_argument("--write-manifest", action="store_true", help="take the images made here for the right ones")
    arguments = parser.parse_args()
    try:
        if arguments.write_manifest:
            write_manifest([describe_image(recipe, make_image(recipe)) for recipe in list_recipes()])
        print(build_demo_images(arguments.cache))
    except (DemoImageMismatchError, PhotographMissingError) as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
