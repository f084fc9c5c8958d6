import pytest

from datamodules import DetectionData
from datamodules.registry import DATASETS, dataset_names, find_data


@pytest.mark.parametrize("name", DATASETS)
def test_each_name_is_that_of_its_class(name):
    cls = find_data(name)
    assert issubclass(cls, DetectionData)
    assert cls.name == name
    assert DATASETS[name] == f"{cls.__module__}:{cls.__qualname__}"


def test_every_dataset_of_the_package_has_a_name_in_the_table():
    list(map(find_data, dataset_names()))  # imports them
    found, open_classes = set(), [DetectionData]
    while open_classes:
        subclasses = open_classes.pop().__subclasses__()
        open_classes += subclasses
        found |= {cls.name for cls in subclasses if cls.__module__.startswith("datamodules.") and vars(cls).get("name")}
    assert found - {"files"} == set(DATASETS)  # images that a user names are no dataset to choose
