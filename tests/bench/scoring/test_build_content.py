"""A method that looks at maps made of images is not given images, nor the other way round."""

import pytest

from bench.errors import BenchError
from bench.scoring.build import check_content, create_datamodule
from bench.scoring.options import RunOptions
from bench.scoring.specs import parse_detector
from datamodules import DataOptionError


def data_of(root, **options):
    data = create_datamodule(RunOptions(dataset="folder", data_root=str(root), **options))
    data.setup()
    return data


def test_maps_and_images_are_told_apart(image_folder):
    dire, rigid = parse_detector("dire:checkpoint=none.pth"), parse_detector("rigid")
    check_content([rigid], data_of(image_folder))
    check_content([dire], data_of(image_folder, content="dire-map"))
    with pytest.raises(BenchError, match=r"'dire:.*' takes files of content dire-map.* declared as image"):
        check_content([dire], data_of(image_folder))
    with pytest.raises(BenchError, match=r"'rigid' takes files of content image.* declared as dire-map"):
        check_content([rigid], data_of(image_folder, content="dire-map"))


def test_the_content_is_in_the_protocol_of_maps_alone(image_folder):
    assert data_of(image_folder).protocol == data_of(image_folder, content="image").protocol
    assert data_of(image_folder, content="dire-map").protocol["content"] == "dire-map"


def test_an_unknown_content_and_a_data_set_without_the_option_are_refused(image_folder, tmp_path):
    with pytest.raises(DataOptionError, match="--content must be one of image, dire-map, face-crop, got 'pixels'"):
        data_of(image_folder, content="pixels")
    with pytest.raises(DataOptionError, match="--content does not apply to --dataset demo"):
        create_datamodule(RunOptions(content="dire-map"))
