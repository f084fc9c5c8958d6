"""Writes a small random Stable Diffusion and a small random CLIP in the layout of the published ones."""

import json
from pathlib import Path

import torch
from torch import nn

SIDE = 16
"""Side of the square that the small model sees; its latents have 8 x 8 values a channel."""
SHOWN = [chr(code) for code in range(33, 127)]
VOCABULARY = [*SHOWN, *(f"{letter}</w>" for letter in SHOWN), "ab", "<|startoftext|>", "<|endoftext|>"]


def write_models(folder: Path) -> None:
    """Writes both, in folders ``pipeline`` and ``clip``.

    Weights are large, so that the scores of different images, captions and noises differ.
    """
    from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTextConfig, CLIPTextModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(17)
    model, clip = folder / "pipeline", folder / "clip"
    widths = {"block_out_channels": (8, 8), "layers_per_block": 1, "norm_num_groups": 4}
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, **widths
    )
    vae.save_pretrained(model / "vae")
    unet = UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=2,
        **widths,
    )
    _enlarged(unet).save_pretrained(model / "unet")
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    PNDMScheduler(skip_prk_steps=True, steps_offset=1, **betas).save_pretrained(model / "scheduler")
    width = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ends = {"bos_token_id": len(VOCABULARY) - 2, "eos_token_id": len(VOCABULARY) - 1}
    text = {"vocab_size": len(VOCABULARY), "pad_token_id": len(VOCABULARY) - 1, **width, **ends}
    _enlarged(CLIPTextModel(CLIPTextConfig(**text))).save_pretrained(model / "text_encoder")
    tokenizer = model / "tokenizer"
    tokenizer.mkdir()
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    (tokenizer / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (tokenizer / "merges.txt").write_text("#version: 0.2\na b\n", encoding="utf-8")
    vision = {"image_size": SIDE, "patch_size": 4, **width}
    _enlarged(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))).save_pretrained(clip)
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}).save_pretrained(clip)


def _enlarged(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, 0, 1 / parameter[0].numel() ** 0.5)
    return network
