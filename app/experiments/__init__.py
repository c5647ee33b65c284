"""Experiments as data: what is trained, what may be turned, what is measured, what is claimed.

A new experiment is a file here, with one class for its parameters, and its name in `EXPERIMENTS`.
Measures are named by string, because torch must not be imported here; a test resolves each name.
"""

from app.errors import UnknownExperiment
from app.experiments.catalogue.batch_size import BATCH_SIZE
from app.experiments.catalogue.covariate_shift import COVARIATE_SHIFT
from app.experiments.catalogue.deep_linear import DEEP_LINEAR
from app.experiments.catalogue.depth import DEPTH
from app.experiments.catalogue.detached import DETACHED
from app.experiments.catalogue.distance import DISTANCE
from app.experiments.catalogue.edge_of_stability import EDGE_OF_STABILITY
from app.experiments.catalogue.frozen import FROZEN
from app.experiments.catalogue.gamma_beta import GAMMA_BETA
from app.experiments.catalogue.halves import HALVES
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.catalogue.loss_surface import LOSS_SURFACE
from app.experiments.catalogue.norms import NORMS
from app.experiments.catalogue.rates import RATES
from app.experiments.catalogue.sigmoid import SIGMOID
from app.experiments.catalogue.smoothness import SMOOTHNESS
from app.experiments.catalogue.survival import SURVIVAL
from app.experiments.catalogue.weight_scale import WEIGHT_SCALE
from app.experiments.definition import Experiment

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
