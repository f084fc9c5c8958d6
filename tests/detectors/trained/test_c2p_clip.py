import pytest
import torch
from PIL import Image
from released_files import create_with_checkpoint, write_checkpoint
from released_files_two import pictures
from released_vit import CLIP_NORMALISE, SMALL_CLIP, c2p_layout, c2p_logits, c2p_state
from torch import nn
from torchvision import transforms
from transformers import CLIPConfig, CLIPModel

from datamodules.views import cut_view
from detectors import UnknownNameError, View, create_detector

SIZES = [(300, 421), (421, 300), (100, 80), (225, 224), (230, 999)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("c2p-clip")


@pytest.fixture(scope="module")
def detector(folder, vit):
    return create_with_checkpoint("c2p-clip", vit, folder)


def photographs():
    images = [pictures(1, max(size), seed=n)[0, :, : size[0], : size[1]] for n, size in enumerate(SIZES)]
    return [Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy()) for image in images]


def viewed(view, images):
    return torch.stack([cut_view(image, view, key=0) for image in images]) / 255


class Published(nn.Module):
    """The authors' network: a CLIP of transformers without its text part, and a linear layer in it."""

    def __init__(self) -> None:
        super().__init__()
        sizes = SMALL_CLIP
        vision = {
            "hidden_size": sizes["width"],
            "intermediate_size": 4 * sizes["width"],
            "num_hidden_layers": sizes["layers"],
            "num_attention_heads": sizes["heads"],
            "image_size": sizes["image_size"],
            "patch_size": sizes["patch_size"],
        }
        text = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 8}
        self.model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=sizes["output_dim"]))
        del self.model.text_model, self.model.text_projection, self.model.logit_scale
        self.model.fc = nn.Linear(sizes["output_dim"], 1)

    def forward(self, inputs):
        features = self.model.visual_projection(self.model.vision_model(pixel_values=inputs).pooler_output)
        return self.model.fc(features / features.norm(dim=-1, keepdim=True)).flatten()


@torch.inference_mode()
def test_logits_are_those_of_the_authors_network_from_the_picture_on(detector):
    network, images = Published().eval(), photographs()
    network.load_state_dict(c2p_state(), strict=True)
    cut = transforms.Compose([transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor()])
    inputs = torch.stack([CLIP_NORMALISE(cut(image)) for image in images])
    expected = network(inputs)
    torch.testing.assert_close(detector.logits(viewed(detector.view, images)), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(c2p_logits(c2p_state(), inputs), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.3


def test_the_layout_is_that_of_the_authors_network():
    state = Published().state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == c2p_layout(**SMALL_CLIP)


@torch.inference_mode()
def test_the_later_code_takes_the_centre_of_images_that_it_tiles(folder, vit):
    detector = create_with_checkpoint("c2p-clip", vit, folder, preprocessing="crop")
    assert detector.view == View(224, "centre-crop", "tile")
    small = Image.fromarray((pictures(1, 150)[0] * 255).round().byte().permute(1, 2, 0).numpy()).crop((0, 0, 100, 150))
    tiled = Image.new("RGB", (300, 300))
    for left in range(0, 300, 100):
        for top in (0, 150):
            tiled.paste(small, (left, top))
    cut = transforms.Compose([transforms.CenterCrop(224), transforms.ToTensor()])
    images = [*photographs()[:2], small]
    inputs = torch.stack([CLIP_NORMALISE(cut(image)) for image in (*images[:2], tiled)])
    expected = c2p_logits(c2p_state(), inputs)
    torch.testing.assert_close(detector.logits(viewed(detector.view, images)), expected, rtol=1e-5, atol=1e-5)


def test_a_file_with_the_indices_of_older_libraries_is_the_same_network(detector, vit, tmp_path):
    (tmp_path / "c2p-clip").mkdir()
    indices = {"model.vision_model.embeddings.position_ids": torch.arange(17)[None]}
    torch.save(c2p_state() | indices, tmp_path / "c2p-clip" / "own.pth")
    assert create_with_checkpoint("c2p-clip", vit, tmp_path).fingerprint() == detector.fingerprint()


def test_an_unknown_preprocessing_is_an_error(tmp_path):
    file = write_checkpoint("c2p-clip", tmp_path)
    with pytest.raises(UnknownNameError, match=r"Unknown preprocessing 'resiz'\. Did you mean 'resize'"):
        create_detector("c2p-clip", checkpoint=str(file), preprocessing="resiz")


def test_the_released_files_generators_are_known(detector):
    assert detector.trained_on == ("progan",)
    assert {one.trained_on for one in detector.released} == {("progan",), ("sd14",)}
