"""Every study by its name: those of each paper, in the order of its file."""

from bench.studies import rigid, wepe
from bench.studies.base import Study

STUDIES: dict[str, Study] = {study.name: study for study in (*wepe.COMPARISONS, *wepe.FEATURES, *rigid.STUDIES)}
