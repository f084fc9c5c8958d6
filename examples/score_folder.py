"""Scores images from Python: one tensor, then every image under a folder.

python examples/score_folder.py DIR
"""

import sys

import torch

from bench import score_files
from detectors import create_detector


def score_a_tensor() -> None:
    """Scores a batch that is in memory already; a key stands for an image's bytes."""
    detector = create_detector("rigid", backbone="efficientnet-lite0")
    images = torch.rand(2, 3, 224, 224)  # pixels in [0, 1]
    print("tensor", detector(images, keys=torch.tensor([1, 2])).tolist())


def score_a_folder(folder: str) -> None:
    """Scores files exactly as ``python -m bench compare`` does; rows come as batches are done."""
    for row in score_files([folder], ["rigid"]):
        print(row.path, row.reason or row.scores["rigid"])


if __name__ == "__main__":  # processes that decode images may import this file
    score_a_tensor()
    score_a_folder(sys.argv[1])
