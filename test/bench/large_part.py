"""One text at a time by the large model: the encoder's part that takes longest to get ready, so it comes last."""
from encoder_part import LARGE, measure_models


def measure(bench):
    if LARGE in bench.models:
        measure_models(bench, [LARGE])
