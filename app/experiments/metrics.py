"""What is measured, as readers see it. The names are those that `app/training` gives its values."""

from app.experiments.definition import Metric

ACCURACY = Metric("test_accuracy", "Test accuracy", "", 0, 1, share=True)
PRECISE_ACCURACY = Metric(
    "precise_accuracy", "Test accuracy, precise statistics", "", 0, 1, share=True
)
PRECISE_GAIN = Metric("precise_gain", "What precise statistics add", "", -0.1, 0.1, share=True)
TEST_LOSS = Metric("test_loss", "Test loss", "nats", 0.2, 3, log=True)
DEAD_UNITS = Metric("dead_units", "Dead channels", "", 0, 1, share=True)

TRAIN_LOSS = Metric("train_loss", "Training loss", "nats", 0.1, 3, log=True)
TRAIN_ACCURACY = Metric("train_accuracy", "Training accuracy", "", 0, 1, share=True)

MEAN_SHIFT = Metric("mean_shift", "Change of the mean", "", 0.001, 1, log=True)
VARIANCE_SHIFT = Metric("variance_shift", "Change of the variance", "", 0.001, 1, log=True)
ICS_DISTANCE = Metric("ics_distance", "Gradient change by the layers below", "", 0.01, 10, log=True)
ICS_COSINE = Metric("ics_cosine", "Cosine of the angle between the two", "", 0, 1)
ICS_SHARE = Metric(
    "ics_share", "Gradient change by the layers below, as a share of it, all layers", "", 0, 2
)
ICS_TURN = Metric("ics_turn", "Cosine of the angle between the two, all layers", "", 0, 1)

BARRIER = Metric("barrier", "Barrier to the next seed’s network", "nats", 0, 1)
BARRIER_RUNNING = Metric(
    "barrier_running", "The same with running averages between the two", "nats", 0, 2
)

LOSS_CHANGE = Metric("loss_change", "Loss change between steps", "nats", 0.001, 1, log=True)
LOSS_MIN = Metric(
    "loss_min", "Loss along the gradient", "nats", 0.1, 10, log=True, upper="loss_max"
)
LOSS_MAX = Metric("loss_max", "Greatest loss along the gradient", "nats", 0.1, 10, log=True)
LOSS_RANGE = Metric(
    "loss_range", "Range of the loss along the gradient", "nats", 0.01, 10, log=True
)
GRADIENT_DISTANCE_MIN = Metric(
    "gradient_distance_min",
    "Gradient change along it",
    "",
    0.1,
    100,
    log=True,
    upper="gradient_distance",
)
GRADIENT_DISTANCE = Metric("gradient_distance", "Greatest gradient change", "", 0.1, 100, log=True)
GRADIENT_CHANGE = Metric(
    "gradient_change", "Gradient change, as a share of it", "", 0.1, 10, log=True
)
BETA = Metric("beta", "Effective β, in the parameters", "", 1, 100, log=True)
BETA_ACTIVATION = Metric(
    "beta_activation", "Effective β, in the activations", "", 0.1, 100, log=True
)

GRADIENT_MEAN = Metric(
    "gradient_mean", "Share of the mean in the gradient", "", 1e-5, 0.1, log=True
)
GRADIENT_ALONG = Metric("gradient_along", "Share along the activations", "", 1e-5, 0.1, log=True)
CORRECTION_COSINE = Metric("correction_cosine", "Cosine with and without the two terms", "", 0, 1)
CORRECTION_LENGTH = Metric(
    "correction_length", "Length without the two terms, over that with", "", 0, 4
)

ACTIVATION_GROWTH = Metric(
    "activation_growth", "Activations, last block over first", "", 0.1, 10, log=True
)
GRADIENT_GROWTH = Metric(
    "gradient_growth", "Gradient, first block over last", "", 0.1, 10, log=True
)
GRADIENT_GROWTH_A_BLOCK = Metric(
    "gradient_growth_a_block", "Growth of the gradient a block", "", 0.8, 1.3
)
LAST_COSINE = Metric("last_cosine", "Cosine between two images, last block", "", 0, 1)

LOSS_SPREAD = Metric(
    "loss_spread", "Loss at ¼ to 4 times the weights, greatest less least", "nats", 0, 1
)
GRADIENT_POWER = Metric("gradient_power", "Power of c in the gradient", "", -2, 2)
CURVATURE_POWER = Metric("curvature_power", "Power of c in the curvature", "", -2, 2)
STEP_ANGLE = Metric(
    "step_angle", "Angle by which a step turns the weights", "degrees", 0.01, 10, log=True
)
EFFECTIVE_RATE = Metric(
    "effective_rate", "Effective rate: η over the weights’ squared length", "", 1e-4, 0.1, log=True
)

REACH = Metric(
    "reach", "Distance to half a change of the gradient", "learning rates", 0.01, 64, log=True
)
SHARPNESS = Metric("sharpness", "Sharpness", "", 2, 20, log=True)
EDGE_SHARE = Metric("edge_share", "Sharpness, as a share of 2/rate", "", 0.01, 2, log=True)
EDGE_DISTANCE = Metric("edge_distance", "Sharpness, distance from 2/rate", "", 0, 1, share=True)
LEADING_SHARE = Metric(
    "leading_share", "Gradient’s share along the ten sharpest directions", "", 0, 1, share=True
)
LEADING_SPREAD = Metric("leading_spread", "Sharpest direction over the tenth", "", 1, 5)
ONE_HOT_ERROR = Metric("train_loss", "Training loss", "", 0.001, 1, log=True)

# Percentiles over images: from the 15th to the 85th there are 70 of 100.
INPUT_P15 = Metric("input_p15", "One sigmoid’s inputs, middle 70%", "", -2, 2, upper="input_p85")
INPUT_P50 = Metric("input_p50", "One sigmoid’s inputs, median", "", -1, 1)
INPUT_P85 = Metric("input_p85", "One sigmoid’s inputs, 85th percentile", "", -2, 2)

# Of rows, not of points: a profile is drawn over something else than steps.
LOSS_BETWEEN = Metric("line", "Loss on the way between two networks", "nats", 0.2, 2, log=True)
ACTIVATION_SIZE = Metric(
    "activation_size", "Activations behind each block", "r.m.s.", 0.1, 2, log=True
)
GRADIENT_SIZE = Metric("gradient_size", "Gradient behind each block", "length", 0.05, 1, log=True)
ACTIVATION_COSINE = Metric(
    "activation_cosine", "Cosine between two images behind each block", "", 0, 1
)
SCALED_LOSS = Metric("scaled_loss", "Loss before the first step", "nats", 1, 1_000, log=True)
SCALED_GRADIENT = Metric("scaled_gradient", "Length of the gradient", "", 0.01, 1_000, log=True)
SCALED_CURVATURE = Metric(
    "scaled_curvature", "Curvature along the gradient", "", 0.1, 1_000, log=True
)
LOSS_OVER_DISTANCE = Metric(
    "loss_over_distance", "Loss along the gradient", "nats", 0.1, 10, log=True
)
BETA_OVER_DISTANCE = Metric(
    "beta_over_distance", "Gradient change per distance: β(a)", "", 0.1, 1_000, log=True
)
CHANGE_OVER_DISTANCE = Metric(
    "change_over_distance", "Gradient change, as a share of it", "", 0.01, 100, log=True
)
