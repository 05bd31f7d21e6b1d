"""Pictures that somebody sends: what is taken, and what of it is left."""

import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from server.errors import BadInput
from server.media.images import MAX_BYTES, clean_picture
from tests.server.media_rooms import picture


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(clean_picture(data)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_three_formats_become_png(kind: str) -> None:
    made = opened(picture(120, 80, kind=kind))
    assert (made.format, made.mode, made.size) == ("PNG", "RGB", (120, 80))


@pytest.mark.parametrize(
    ("mode", "colour", "becomes"),
    [("RGBA", (1, 2, 3, 100), "RGBA"), ("LA", (9, 100), "RGBA"), ("L", 9, "RGB"), ("1", 1, "RGB"), ("P", 3, "RGB")],
)
def test_whatever_its_colours_are_kept_in_it_becomes_rgb_or_rgba(mode: str, colour: object, becomes: str) -> None:
    assert opened(picture(mode=mode, colour=colour)).mode == becomes


def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    made = opened(picture(mode="I;16", colour=128 * 256))
    assert made.getpixel((0, 0)) == (128, 128, 128)


def test_cmyk_is_taken() -> None:
    assert opened(picture(kind="JPEG", mode="CMYK", colour=(0, 0, 0, 0))).getpixel((5, 5)) == (255, 255, 255)


def test_a_picture_is_turned_as_the_camera_was_held_and_its_metadata_dropped() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "A camera's maker"
    made = opened(picture(120, 80, kind="JPEG", exif=exif, icc_profile=b"profile" * 30, comment=b"secret"))
    assert made.size == (80, 120)
    assert not made.getexif()
    assert not made.info


def test_texts_in_a_png_are_dropped() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "somebody")
    assert b"somebody" not in clean_picture(picture(pnginfo=info))


def test_what_is_appended_to_a_picture_is_dropped() -> None:
    assert b"<script>" not in clean_picture(picture() + b"<script>alert(1)</script>")


@pytest.mark.parametrize("size", [(63, 100), (100, 63), (8193, 64), (64, 8193)])
def test_too_small_or_too_large_is_refused_by_its_size(size: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match=f"{size[0]}×{size[1]} pixels") as refused:
        clean_picture(picture(*size))
    assert refused.value.details[0].field == "imageUrl"


@pytest.mark.parametrize("size", [(64, 64), (8192, 64)])
def test_the_bounds_themselves_are_taken(size: tuple[int, int]) -> None:
    assert opened(picture(*size)).size == size


def bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000_000)))


@pytest.mark.parametrize("side", [20_000, 100_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(BadInput, match="imageUrl"):
        clean_picture(bomb(side))


def test_a_bomb_of_text_is_harmless() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 50_000_000, zip=True)
    with pytest.raises(BadInput):
        clean_picture(picture(pnginfo=info))


def test_animations_are_refused() -> None:
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
        with pytest.raises(BadInput, match="animation"):
            clean_picture(out.getvalue())


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PDF"])
def test_other_formats_are_refused_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(BadInput, match="PNG, JPEG or WebP"):
        clean_picture(picture(kind=kind))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        picture()[:60],
        picture()[:-30],
        picture(kind="JPEG")[:200],
        picture(kind="WEBP")[:30],
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 1000,
    ],
)
def test_what_is_no_picture_or_not_all_of_one_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="imageUrl"):
        clean_picture(data)


def test_more_than_20_mb_are_not_even_looked_at() -> None:
    with pytest.raises(BadInput, match="20 MB"):
        clean_picture(bytes(MAX_BYTES + 1))
