"""Where the published weights of backbones are; nothing heavy is imported to know that."""

DINOV2_MODELS = {
    "dinov2-vits14": "vit_small_patch14_dinov2.lvd142m",
    "dinov2-vitb14": "vit_base_patch14_dinov2.lvd142m",
    "dinov2-vitl14": "vit_large_patch14_dinov2.lvd142m",
    "dinov2-vitg14": "vit_giant_patch14_dinov2.lvd142m",
    "dinov2-vits14-reg": "vit_small_patch14_reg4_dinov2.lvd142m",
    "dinov2-vitb14-reg": "vit_base_patch14_reg4_dinov2.lvd142m",
    "dinov2-vitl14-reg": "vit_large_patch14_reg4_dinov2.lvd142m",
    "dinov2-vitg14-reg": "vit_giant_patch14_reg4_dinov2.lvd142m",
}
DINOV3_MODELS = {
    "dinov3-vits16": "vit_small_patch16_dinov3.lvd1689m",
    "dinov3-vitb16": "vit_base_patch16_dinov3.lvd1689m",
    "dinov3-vitl16": "vit_large_patch16_dinov3.lvd1689m",
    "dinov3-vith16plus": "vit_huge_plus_patch16_dinov3.lvd1689m",
}
"""What timm calls each model, whose weights are ``timm/<model>`` on the hub."""
TIMM_FILES = ("model.safetensors", "pytorch_model.bin")
BLIP_REPOSITORY = "Salesforce/blip-image-captioning-base"
BLIP_FILES = ("model.safetensors", "pytorch_model.bin")
CLIP_REPOSITORY = "timm/vit_large_patch14_clip_224.openai"
CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
HF, HF_FILES = "hf", ("model.safetensors", "pytorch_model.bin")
OPEN_CLIP, OPEN_CLIP_FILES = "open-clip", ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
