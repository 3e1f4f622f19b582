"""Draws a PNG file: draw_png.py FILE RED GREEN BLUE

A disk of this colour, fading to white from the top to the bottom, on a background of light grey.
"""

import struct
import sys
import zlib

SIZE = 160
GREY = (238, 238, 238)


def chunk(kind, octets):
    return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))


def pixel(x, y, colour):
    if (x - SIZE / 2) ** 2 + (y - SIZE / 2) ** 2 > (SIZE * 0.45) ** 2:
        return GREY
    return [part + (255 - part) * y // (2 * SIZE) for part in colour]


path, *colour = sys.argv[1:]
colour = list(map(int, colour))
lines = [b"\0" + b"".join(bytes(pixel(x, y, colour)) for x in range(SIZE)) for y in range(SIZE)]
with open(path, "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n")
    file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)))
    file.write(chunk(b"IDAT", zlib.compress(b"".join(lines))))
    file.write(chunk(b"IEND", b""))
