"""Conditions of a diffusion model by their content: texts and pictures that were read are not read again, and the text
encoders lie in main memory while nothing is read. Knows no pipeline's names and no story."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.artifacts import content_key, write_atomically
from engine.catalog import ModelSpec

if TYPE_CHECKING:
    import torch

Tensors = dict[str, "torch.Tensor"]
TEXTS_IN_MEMORY = 2**31
"""Bytes; a prompt of Wan is 4 MB, and all of a wave's are read before the first is used."""
PICTURES_IN_MEMORY = 2**29
"""Bytes; a picture's condition at 480p and 81 frames is 8 MB, and used at once, or soon again."""
ON_DISK = 64
"""Files; a film has one negative prompt, and an owner few of them."""


class Conditioning:
    """Tensors on the CPU by the content that they were made from; the oldest go when there are more than `most` bytes.

    What is asked for as `lasting` lies also in a folder, once there is one, as safetensors. A name counts the model
    with its revision and parameters, the device and the types that computed, and whatever `content` says.
    """

    def __init__(self, spec: ModelSpec, where: str, most: int = TEXTS_IN_MEMORY) -> None:
        """`where`: device and types that compute, as `Decision` spells them."""
        self._spec, self._where, self._most = spec, where, most
        self._folder: Path | None = None
        self._held: OrderedDict[str, Tensors] = OrderedDict()
        self.made = 0

    def remember_in(self, folder: Path) -> None:
        """Keep what lasts in `folder`, which is made when there is something to keep."""
        self._folder = folder

    def of(self, make: Callable[[], Tensors], *, lasting: bool = False, **content: Any) -> Tensors:
        """The tensors of that content, made if nobody has yet; whatever `make` raises passes, and nothing is kept.

        Raises `StorageFull`, `StorageUnwritable`."""
        import torch

        key = content_key(
            model=self._spec.id,
            weights=self._spec.weights,
            parts=self._spec.parts,
            # Where weights lie between two steps changes no number.
            params={name: value for name, value in self._spec.params.items() if name != "offload"},
            where=self._where,
            torch=str(torch.__version__),
            content=content,
        )
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        tensors = self._from_disk(key) if lasting else None
        if tensors is None:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in make().items()}
            self.made += 1
            if lasting:
                self._to_disk(key, tensors)
        self._held[key] = tensors
        while len(self._held) > 1 and sum(map(_bytes, self._held.values())) > self._most:
            self._held.popitem(last=False)
        return tensors

    def _from_disk(self, key: str) -> Tensors | None:
        from safetensors import SafetensorError
        from safetensors.torch import load

        if self._folder is None:
            return None
        try:
            return load((self._folder / f"{key}.safetensors").read_bytes())
        except (OSError, SafetensorError):
            return None  # not there, or spoilt: it is read again, and written over

    def _to_disk(self, key: str, tensors: Tensors) -> None:
        from safetensors.torch import save

        if self._folder is None or not self._pinned():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / f"{key}.safetensors", save(tensors))
        kept = sorted(self._folder.glob("*.safetensors"), key=_last_written)
        for file in kept[:-ON_DISK]:
            file.unlink(missing_ok=True)

    def _pinned(self) -> bool:
        """Whether two versions of these weights have two names, as `weights.with_versions` sees to; toys have one."""
        weights = self._spec.weights
        return weights is not None and bool(weights.sha256 or weights.revision)


def _bytes(tensors: Tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _last_written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # another process tidied up
        return 0.0


def digest_of(tensor: torch.Tensor) -> str:
    """SHA-256 of values, shape and type."""
    import torch

    plain = tensor.detach().cpu().contiguous()
    told = f"{tuple(plain.shape)} {plain.dtype}".encode()
    return hashlib.sha256(told + plain.flatten().view(torch.uint8).numpy().tobytes()).hexdigest()


def remember_pictures(vae: Any, memory: Conditioning) -> None:
    """Let `vae.encode` look first whether it has encoded that video before. In an animator it is given a picture
    and then nothing but grey, so the picture's bytes and the shape name it: 80 empty frames are not hashed."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
    from diffusers.models.modeling_outputs import AutoencoderKLOutput

    own = vae.encode

    def encode(video: torch.Tensor, return_dict: bool = True) -> Any:
        device, dtype = video.device, video.dtype
        rest = bool((video[:, :, 1:] != 0).any())
        if rest:  # not the condition of one picture
            return own(video, return_dict=return_dict)
        found = memory.of(
            lambda: {"parameters": own(video).latent_dist.parameters},
            picture=digest_of(video[:, :, 0]),
            shape=tuple(video.shape),
            tiled=bool(vae.use_tiling),
        )
        latents = DiagonalGaussianDistribution(found["parameters"].to(device=device, dtype=dtype))
        return AutoencoderKLOutput(latent_dist=latents) if return_dict else (latents,)

    vae.encode = encode


class TextEncoders:
    """The text encoders of a pipeline, its components of these `names`. `turns` counts how often they came to read.

    They are where the pipeline has them until they are `park`ed: from then on they lie in main memory and out of the
    pipeline, and come to the device only while they are `reading`. Moving 11 GB takes as long as several clips' texts,
    so it is done for a wave, not for a clip.
    """

    def __init__(self, pipeline: Any, device: str, names: Sequence[str]) -> None:
        self._pipeline, self._device = pipeline, device
        self._names = [name for name in names if getattr(pipeline, name, None) is not None]
        self._parked: dict[str, Any] = {}
        self._deep = self.turns = 0

    def park(self) -> None:
        """Free their memory on the device. Those with hooks of an offload are moved by them, and stay."""
        if self._parked or any(_hooked(getattr(self._pipeline, name)) for name in self._names):
            return
        self._parked = {name: getattr(self._pipeline, name).to("cpu") for name in self._names}
        self._pipeline.register_modules(**dict.fromkeys(self._parked))

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Inside, the encoders are in the pipeline and on the device; within another `reading` nothing is moved."""
        import torch

        self._deep += 1
        try:
            self.turns += self._deep == 1
            if self._deep == 1 and self._parked:
                self._pipeline.register_modules(**{n: m.to(self._device) for n, m in self._parked.items()})
            with torch.no_grad():
                yield
        finally:
            self._deep -= 1
            if self._deep == 0 and self._parked:
                self._pipeline.register_modules(**dict.fromkeys(self._parked))
                for module in self._parked.values():
                    module.to("cpu")


def _hooked(module: Any) -> bool:
    from diffusers.hooks.hooks import HookRegistry

    registry = getattr(module, "_diffusers_hook", None)
    return hasattr(module, "_hf_hook") or (isinstance(registry, HookRegistry) and bool(registry.hooks))
