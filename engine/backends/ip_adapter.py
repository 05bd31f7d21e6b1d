"""IP-Adapter in a diffusers pipeline: a picture's looks, as tokens beside the prompt's. Knows no story and no names.

Ye et al., "IP-Adapter: Text Compatible Image Prompt Adapter for Text-to-Image Diffusion Models", 2023,
https://arxiv.org/abs/2308.06721. Opened at the first picture, and the UNet is put back as it was for whatever is
painted without one: prompts alone cost neither memory nor time, and give the same pixels as ever.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from engine.artifacts import file_hash
from engine.backends.torch_env import sealed
from engine.catalog import ModelSpec
from engine.references import read_reference

GROUND = "white"
FACE_AT = (0.5, 0.25)
"""Where the square that the encoder sees lies in a picture that is none: faces are in a portrait's upper part."""


class IPAdapter:
    """`weights` (a safetensors file) and `encoder` (a folder) are below `folder`; `scale` 0–1 is how much the picture
    counts beside the prompt. The encoder lies in main memory while it does not read."""

    def __init__(
        self, spec: ModelSpec, pipeline: Any, device: str, folder: Path, weights: str, encoder: str, scale: float
    ) -> None:
        self._spec, self._pipeline, self._device = spec, pipeline, device
        self._folder, self._weights, self._encoder_folder, self._scale = folder, Path(weights), encoder, scale
        self._plain: dict[str, Any] = dict(pipeline.unet.attn_processors)
        self._heeding: dict[str, Any] = {}
        self._projection: Any = None
        self._encoder: Any = None
        self._seen: dict[str, Any] = {}

    def heed(self, picture: Path | None, guidance: float) -> dict[str, Any]:
        """Ready the UNet for what is painted next; what the pipeline is to be called with besides."""
        if picture is None:
            if self._pipeline.unet.encoder_hid_proj is not None:
                self._attach(None, self._plain)
            return {}
        if self._encoder is None:
            with sealed(self._spec):
                self._open()
        unet = self._pipeline.unet
        if unet.encoder_hid_proj is None:
            for module in (self._projection, *self._heeding.values()):
                if hasattr(module, "to"):  # the UNet may have moved meanwhile
                    module.to(device=unet.device, dtype=unet.dtype)
            self._attach(self._projection, self._heeding)
        key = f"{file_hash(picture)} {guidance > 1}"
        if key not in self._seen:
            self._seen[key] = self._read(picture, guidance)
        return {"ip_adapter_image_embeds": self._seen[key]}

    def _open(self) -> None:
        pipeline = self._pipeline
        pipeline.load_ip_adapter(
            str(self._folder),
            subfolder=str(self._weights.parent),
            weight_name=self._weights.name,
            # with a slash diffusers looks for it below the folder, not beside the weights
            image_encoder_folder=f"./{self._encoder_folder}",
            local_files_only=True,
        )
        pipeline.set_ip_adapter_scale(self._scale)
        self._projection = pipeline.unet.encoder_hid_proj
        # the projection has attention of its own, which goes and comes with it
        self._heeding = {name: pipeline.unet.attn_processors[name] for name in self._plain}
        self._encoder = pipeline.image_encoder.to("cpu")
        pipeline.register_modules(image_encoder=None)

    def _attach(self, projection: Any, processors: dict[str, Any]) -> None:
        unet = self._pipeline.unet
        unet.encoder_hid_proj = None  # its attention would be counted
        unet.set_attn_processor(dict(processors))  # which empties what it is given
        unet.encoder_hid_proj = projection
        unet.config.encoder_hid_dim_type = None if projection is None else "ip_image_proj"

    def _read(self, picture: Path, guidance: float) -> Any:
        import torch

        image = read_reference(picture)
        image = Image.alpha_composite(Image.new("RGBA", image.size, GROUND), image).convert("RGB")
        side = min(image.size)
        image = ImageOps.fit(image, (side, side), centering=FACE_AT)
        self._pipeline.register_modules(image_encoder=self._encoder.to(self._device))
        try:
            with torch.no_grad():
                return self._pipeline.prepare_ip_adapter_image_embeds(image, None, self._device, 1, guidance > 1)
        finally:
            self._pipeline.register_modules(image_encoder=None)
            self._encoder.to("cpu")
