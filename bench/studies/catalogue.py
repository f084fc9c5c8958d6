"""Every study by its name."""

from bench.studies.base import Study
from bench.studies.features.catalogue import FEATURE_STUDIES
from bench.studies.wepe import COMPARISONS

STUDIES: dict[str, Study] = {study.name: study for study in (*COMPARISONS, *FEATURE_STUDIES)}
