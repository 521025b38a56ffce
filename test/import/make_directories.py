#!/usr/bin/env python3
"""Writes small preset directories, good ones and bad ones, for import_test.py.

    make_directories.py FOLDER [NAME...]

Everything is seeded: the same call writes the same bytes.  Needs python3-h5py
(keras_directories.py), otherwise the standard library only.
"""
import os
import sys

import directory_parts
import bad_directories              # noqa: F401  (they register their cases)
import good_directories             # noqa: F401
import torch_directories            # noqa: F401
import keras_directories            # noqa: F401
import keras_bad_directories        # noqa: F401


def build(folder, names=None):
    """Writes the named cases (all by default) below folder; returns their names."""
    builders = dict(directory_parts.GOOD,
                    **{name: case[0] for name, case in directory_parts.BAD.items()})
    names = list(names or builders)
    for name in names:
        builders[name](os.path.join(folder, name))
    return names


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    print("\n".join(build(sys.argv[1], sys.argv[2:])))
