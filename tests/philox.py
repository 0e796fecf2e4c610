"""The random numbers of lib/base/philox.h, written again from the paper (Salmon et al. 2011) and from what that header promises."""
import numpy as np

MASK = 2**32 - 1


def block(seed, stream, substream, index):
    c = [index & MASK, index >> 32, stream, substream]
    k = [seed & MASK, seed >> 32]
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & MASK, p >> 32 ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def words(seed, stream, substream, first, n):
    return np.array([block(seed, stream, substream, i // 4)[i % 4] for i in range(first, first + n)], float)


def uniform(seed, stream, substream, first, n):
    return words(seed, stream, substream, first, n) // 256 / 2**24


def normal(seed, stream, substream, first, n):
    start = first - first % 2
    w = words(seed, stream, substream, start, n + 2)[:(n + 2) // 2 * 2].reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log((w[:, 0] + 1) / 2**32)), 2 * np.pi * w[:, 1] / 2**32
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[first - start:][:n]


def below(seed, stream, substream, index, bound):
    b, at = block(seed, stream, substream, index // 2), 2 * (index % 2)
    return (b[at + 1] << 32 | b[at]) * bound >> 64


def permutation(seed, stream, substream, n):
    order = list(range(n))
    for i in range(n, 1, -1):
        j = below(seed, stream, substream, i - 1, i)
        order[i - 1], order[j] = order[j], order[i - 1]
    return order
