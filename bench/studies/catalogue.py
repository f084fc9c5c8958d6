"""Every study by its name."""

from bench.studies.base import Study
from bench.studies.comparisons import COMPARISONS
from bench.studies.features import FEATURE_STUDIES

STUDIES: dict[str, Study] = {study.name: study for study in (*COMPARISONS, *FEATURE_STUDIES)}
