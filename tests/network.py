"""Writes network files without pgan, as docs/formats.md describes them.

network.py OUT.h5 RECORD.h5 [NAME=VALUE…]              the state before a recorded step; also RECORD's latents z.npy and images fake.npy beside OUT.h5
network.py OUT.h5 SCALE DEPTH,DEPTH… LATENT [NAME=VALUE…]  seeded random parameters, avgG other than G
NAME=VALUE: attributes to write differently (values are Python literals); NAME=None leaves one out.
"""
import ast
import os
import sys

import h5py
import numpy as np

FACTS = dict(format='pgan-network', version=1, tool_version='tests', profile='zoo', leak=0.2, pixel_norm=1, stddev=1, equalized=1, alpha=0.0, seed=0, iterations=0, images=0,
             config='{}')


def layers(scale, depths, latent):
    """Names and weight shapes of G and of D."""
    first = depths[0]
    g = {'formatLayer': (16 * first, latent), 'groupScale0.0': (first, first, 3, 3)}
    d = {'groupScaleZero.0': (first, first + 1, 3, 3), 'groupScaleZero.1': (first, 16 * first), 'decisionLayer': (1, first)}
    for s, depth in enumerate(depths):
        if s:
            below = depths[s - 1]
            g |= {f'scaleLayers.{s - 1}.0': (depth, below, 3, 3), f'scaleLayers.{s - 1}.1': (depth, depth, 3, 3)}
            d |= {f'scaleLayers.{s - 1}.0': (depth, depth, 3, 3), f'scaleLayers.{s - 1}.1': (below, depth, 3, 3)}
        g[f'toRGBLayers.{s}'] = (3, depth, 1, 1)
        d[f'fromRGBLayers.{s}'] = (depth, 3, 1, 1)
    return g, d


def from_record(out, record, folder):
    for group in 'G', 'D', 'avgG':
        record.copy(f'iter0/before/{group}', out, group)
    names = 'scale', 'resolution', 'depths', 'dim_latent', 'leak', 'alpha'
    np.save(os.path.join(folder, 'z.npy'), record['iter0/z_d'][()].astype(np.float32))
    np.save(os.path.join(folder, 'fake.npy'), record['iter0/fake'][()])
    return {name: record.attrs[name] for name in names} | {'profile': record.attrs.get('profile', 'zoo')}


def random(out, scale, depths, latent):
    rng = np.random.default_rng(1)
    g, d = layers(scale, depths, latent)
    for group, shapes in ('G', g), ('avgG', g), ('D', d):
        for name, shape in shapes.items():
            for kind, dim in ('weight', shape), ('bias', shape[:1]):
                out.create_dataset(f'{group}/{name}.module.{kind}', data=rng.standard_normal(dim).astype(np.float32), fletcher32=True)
    return dict(scale=scale, resolution=4 << scale, depths=depths, dim_latent=latent)


def main(path, source, *rest):
    with h5py.File(path, 'w', libver=('v110', 'v110')) as out:
        if source.endswith('.h5'):
            with h5py.File(source) as record:
                facts = FACTS | from_record(out, record, os.path.dirname(path))
        else:
            facts = FACTS | random(out, int(source), [int(x) for x in rest[0].split(',')], int(rest[1]))
            rest = rest[2:]
        facts |= {name: ast.literal_eval(value) for name, value in (pair.split('=', 1) for pair in rest)}
        for name, value in facts.items():
            if value is not None:
                out.attrs[name] = value


main(*sys.argv[1:])
