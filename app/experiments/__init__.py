"""Experiments as data: what is trained, what may be turned, what is measured, what is claimed.

A new experiment is a file here, with one class for its parameters, and its name in `EXPERIMENTS`.
Measures are named by string, because torch must not be imported here; a test resolves each name.
"""

from app.errors import UnknownExperiment
from app.experiments.base import Experiment
from app.experiments.batch_size import BATCH_SIZE
from app.experiments.covariate_shift import COVARIATE_SHIFT
from app.experiments.deep_linear import DEEP_LINEAR
from app.experiments.depth import DEPTH
from app.experiments.detached import DETACHED
from app.experiments.distance import DISTANCE
from app.experiments.edge_of_stability import EDGE_OF_STABILITY
from app.experiments.frozen import FROZEN
from app.experiments.gamma_beta import GAMMA_BETA
from app.experiments.halves import HALVES
from app.experiments.learning_rates import LEARNING_RATES
from app.experiments.loss_surface import LOSS_SURFACE
from app.experiments.norms import NORMS
from app.experiments.rates import RATES
from app.experiments.sigmoid import SIGMOID
from app.experiments.smoothness import SMOOTHNESS
from app.experiments.survival import SURVIVAL
from app.experiments.weight_scale import WEIGHT_SCALE

# In the order in which the article has them.
EXPERIMENTS: dict[str, Experiment] = {
    experiment.slug: experiment
    for experiment in (
        LEARNING_RATES,
        SIGMOID,
        LOSS_SURFACE,
        NORMS,
        COVARIATE_SHIFT,
        DETACHED,
        SMOOTHNESS,
        DISTANCE,
        SURVIVAL,
        RATES,
        FROZEN,
        HALVES,
        BATCH_SIZE,
        DEPTH,
        WEIGHT_SCALE,
        EDGE_OF_STABILITY,
        GAMMA_BETA,
        DEEP_LINEAR,
    )
}


def find(slug: str) -> Experiment:
    """The experiment with that slug; raises UnknownExperiment, which lists those there are."""
    try:
        return EXPERIMENTS[slug]
    except KeyError:
        known = ", ".join(EXPERIMENTS)
        raise UnknownExperiment(f"no experiment {slug!r}; there are: {known}") from None
