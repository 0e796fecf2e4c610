"""Pictures of every kind for pictures.bats, and what they should look like: writes NAME.png or NAME.jpg into ./in, and the array ./want.npy (N,3,40,40) in
bytewise order of the names. PNG files are put together here, bit by bit, so that every depth, colour type and interlacing can be had; Pillow has to agree with what
they should look like wherever it reads the kind without losing anything. JPEG files are written and read by Pillow."""
import io
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

SIDE = 40
BACKGROUND = np.array([int(v) for v in sys.argv[1].split(',')]) if len(sys.argv) > 1 else np.array([255, 255, 255])
rng = np.random.default_rng(7)
want = {}


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """(h,w,c) samples -> filtered rows (filter 0 or, every other row, Up)."""
    out, before = b'', None
    for y, row in enumerate(samples):
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype('>u2').tobytes()
        elif depth == 8:
            data = flat.astype(np.uint8).tobytes()
        else:
            bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            data = np.packbits(bits.reshape(-1)).tobytes()
        now = np.frombuffer(data, np.uint8)
        out += b'\2' + (now - before).tobytes() if y % 2 and before is not None else b'\0' + data
        before = now
    return out


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(samples, depth, colour, interlace=False, palette=None, trns=None, exif=None):
    h, w, _ = samples.shape
    out = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, colour, 0, 0, int(interlace)))
    if exif:
        out += chunk(b'eXIf', exif)
    if palette is not None:
        out += chunk(b'PLTE', palette.astype(np.uint8).tobytes())
    if trns is not None:
        out += chunk(b'tRNS', trns)
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlace else [samples]
    data = zlib.compress(b''.join(pack_rows(p, depth) for p in passes))
    return out + chunk(b'IDAT', data[:100]) + chunk(b'IDAT', data[100:]) + chunk(b'IEND', b'')


def to_bytes(samples, depth):
    return samples >> 8 if depth == 16 else samples * 255 // ((1 << depth) - 1)


def over(rgb, alpha):
    """rgb (h,w,3), alpha (h,w,1), 0 … 255."""
    return (rgb * alpha + BACKGROUND * (255 - alpha) + 127) // 255


def add(name, data, rgb, pillow=True):
    rgb = np.broadcast_to(rgb, (SIDE, SIDE, 3)).astype(np.uint8)
    open(f'in/{name}.png', 'wb').write(data)
    want[f'in/{name}.png'] = rgb
    if pillow:
        image = Image.open(io.BytesIO(data))
        image = ImageOps.exif_transpose(image)
        if image.mode in ('LA', 'RGBA', 'PA') or 'transparency' in image.info:
            rgba = image.convert('RGBA')
            flat = Image.new('RGB', image.size, tuple(int(v) for v in BACKGROUND))
            flat.paste(rgba, mask=rgba)
        elif image.mode.startswith('I'):
            flat = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert('RGB')
        else:
            flat = image.convert('RGB')
        assert np.array_equal(np.asarray(flat), rgb), f'{name}: Pillow does not agree'


def tiff(order, orientation):
    e = '<' if order == 'II' else '>'
    return order.encode() + struct.pack(e + 'HIHHHIHHI', 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def png_files():
    for interlace in (False, True):
        i = 'i' if interlace else 'n'
        for depth in (1, 2, 4, 8, 16):
            s = rng.integers(0, 1 << depth, (SIDE, SIDE, 1))
            add(f'grey{depth}{i}', png(s, depth, 0, interlace), to_bytes(s, depth))
            # Pillow compares the transparent value with stretched or shortened samples below and above 8 bits
            key = int(s[3, 3, 0])
            add(f'grey{depth}key{i}', png(s, depth, 0, interlace, trns=struct.pack('>H', key)), over(to_bytes(s, depth), (s != key) * 255), pillow=depth == 8)
        for depth in (8, 16):
            s = rng.integers(0, 1 << depth, (SIDE, SIDE, 4))
            s[5:20, :, -1] = 0
            s[20:30, :, -1] = (1 << depth) - 1
            b = to_bytes(s, depth)
            add(f'rgb{depth}{i}', png(s[..., :3], depth, 2, interlace), b[..., :3])
            add(f'rgba{depth}{i}', png(s, depth, 6, interlace), over(b[..., :3], b[..., 3:]))
            add(f'ga{depth}{i}', png(s[..., 2:], depth, 4, interlace), over(b[..., 2:3], b[..., 3:]))
            key = s[3, 3, :3]
            transparent = (s[..., :3] == key).all(-1, keepdims=True)
            data = png(s[..., :3], depth, 2, interlace, trns=struct.pack('>3H', *key))
            add(f'rgb{depth}key{i}', data, over(b[..., :3], ~transparent * 255), pillow=depth == 8)
        for depth in (1, 2, 4, 8):
            n = 1 << depth
            s, palette, alpha = rng.integers(0, n, (SIDE, SIDE, 1)), rng.integers(0, 256, (n, 3)), rng.integers(0, 256, n)
            add(f'palette{depth}{i}', png(s, depth, 3, interlace, palette), palette[s[..., 0]])
            alpha[n // 2:] = 255 # a short tRNS: the rest is opaque
            trns = alpha[:n // 2].astype(np.uint8).tobytes()
            add(f'palette{depth}alpha{i}', png(s, depth, 3, interlace, palette, trns), over(palette[s[..., 0]], alpha[s]))
    s = rng.integers(0, 256, (SIDE, SIDE, 3))
    for orientation in range(1, 9):
        turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(png(s, 8, 2, exif=tiff('MM', orientation))))))
        add(f'turned{orientation}', png(s, 8, 2, exif=tiff('MM', orientation)), turned)


def add_jpeg(name, data):
    open(f'in/{name}.jpg', 'wb').write(data)
    want[f'in/{name}.jpg'] = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert('RGB'))


def save(image, **how):
    f = io.BytesIO()
    image.save(f, 'JPEG', **how)
    return f.getvalue()


def jpeg_files():
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    smooth = np.stack([x * 6, y * 6, 255 - (x + y) * 3], -1) + rng.normal(0, 20, (SIDE, SIDE, 3))
    rgb = Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8))
    for subsampling in (0, 1, 2):
        for progressive in (False, True):
            for quality in (30, 95):
                name = f'{"progressive" if progressive else "baseline"}{subsampling}q{quality}'
                add_jpeg(name, save(rgb, subsampling=subsampling, progressive=progressive, quality=quality, optimize=True))
    add_jpeg('grey', save(rgb.convert('L'), quality=80))
    add_jpeg('greyprogressive', save(rgb.convert('L'), progressive=True))
    cmyk = save(rgb.convert('CMYK'), quality=90)
    add_jpeg('cmyk', cmyk)
    at = cmyk.index(b'Adobe') + 11 # the colour transform: 0 CMYK, 2 YCCK
    assert cmyk[at] == 0
    add_jpeg('ycck', cmyk[:at] + b'\2' + cmyk[at + 1:])
    for orientation in range(1, 9):
        for order in ('II', 'MM'):
            add_jpeg(f'turned{orientation}{order}', save(rgb, exif=b'Exif\0\0' + tiff(order, orientation)))
    # EXIF that makes no sense is no reason to refuse a picture
    plain = np.asarray(Image.open(io.BytesIO(save(rgb))))
    for name, exif in (('short', b'II*\0'), ('wild', b'II*\0\xff\xff\xff\x7f'), ('cut', tiff('II', 6)[:14]), ('nine', tiff('MM', 9))):
        open(f'in/exif{name}.jpg', 'wb').write(save(rgb, exif=b'Exif\0\0' + exif))
        want[f'in/exif{name}.jpg'] = plain


os.makedirs('in')
png_files()
jpeg_files()
np.save('want.npy', np.stack([want[name] for name in sorted(want)]).transpose(0, 3, 1, 2))
open('names', 'w').write(''.join(name + '\n' for name in sorted(want)))
