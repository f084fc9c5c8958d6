"""Trains a detector, saves it, and tests it on what it has not seen."""

import os
import sys
from pathlib import Path

from bench.errors import BenchError, NothingReadError
from bench.report.escaping import printable
from bench.report.notes import nothing_words
from bench.results.unread import nothing_readable
from bench.scoring.options import RunOptions, check_options
from bench.training.fine_tuning import fine_tune
from bench.training.held_out import HeldOut, evaluate_held_out
from bench.training.linear import fit_linear
from bench.training.options import FitOptions
from bench.training.training_set import training_set


def fit_detector(fit: FitOptions, options: RunOptions, progress: bool = False) -> HeldOut | None:
    """Trains on the ``generators`` of the options, saves, and tests.

    Returns:
        The numbers on held-out groups; nothing on devices other than the first.

    Raises:
        NothingReadError: Not one image can be read.
        BenchError: The options cannot be carried out.
    """
    # What would stop the test is found before any work.
    check_options(options)
    if not os.access(fit.save.parent, os.W_OK):
        raise BenchError(f"Cannot write to --save {fit.save}: no permission for {fit.save.parent}.")
    for option, start in (("init", fit.init), ("weights", options.weights)):
        if start and fit.save.exists() and Path(start).exists() and fit.save.samefile(start):
            raise BenchError(f"--save {fit.save} is the file of --{option}, which would be lost: name another file.")
    data = training_set(fit, options)
    if nothing := nothing_readable(data.datamodule):
        raise NothingReadError(nothing_words(nothing))
    options.make_output()
    train = fit_linear if fit.recipe.linear else fine_tune
    train(fit, options, data, progress, say=_say)
    return evaluate_held_out(fit, options, progress)


def _say(words: str) -> None:
    print(printable(words), file=sys.stderr, flush=True)
