"""Trains a detector, saves it, and tests it on what it has not seen."""

import os
import sys
from functools import partial

from bench.errors import BenchError, NothingReadError
from bench.report.notes import nothing_words
from bench.results.unread import nothing_readable
from bench.scoring.options import RunOptions, check_options
from bench.training.fine_tuning import fine_tune
from bench.training.held_out import HeldOut, evaluate_held_out
from bench.training.linear_probe import fit_probe
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
    options.make_output()
    data = training_set(fit, options)
    if nothing := nothing_readable(data.datamodule):
        raise NothingReadError(nothing_words(nothing))
    train = fit_probe if fit.is_probe else fine_tune
    train(fit, options, data, progress, say=partial(print, file=sys.stderr, flush=True))
    return evaluate_held_out(fit, options, progress)
