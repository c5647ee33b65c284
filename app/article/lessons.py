"""Lessons for a class with the article's figures: the page /teaching and docs/teaching.md.

`python -m app.article.lessons > docs/teaching.md` renews the latter. `Backticks` in the texts mark
code.
"""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from app import standard_streams
from app.experiments import find
from app.experiments.definition import Experiment, ParameterValue, RunRequest


@dataclass(frozen=True, slots=True)
class Lesson:
    """One figure with settings, a question for the class and the answer.

    `figure_link` fills in `settings`; if they contain a seed, the whole class watches one run. The
    numbers of `see` were measured with `settings` and `verified_settings` together.
    """

    slug: str
    title: str
    minutes: int
    ask: str
    see: str
    why: str
    settings: dict[str, ParameterValue] = field(default_factory=dict)
    verified_settings: dict[str, ParameterValue] = field(default_factory=dict)

    @property
    def experiment(self) -> Experiment:
        """The experiment of the figure."""
        return find(self.slug)

    @property
    def figure_link(self) -> str:
        """The link that opens the article at the figure with the settings filled in."""
        return "/?" + urlencode({"figure": self.slug, **self.settings})

    @property
    def verified_request(self) -> RunRequest:
        """The run that measured the numbers of `see`."""
        return self.experiment.parse(self.settings | self.verified_settings)

    @property
    def evidence(self) -> str:
        """A sentence that names the seeds and the command behind `see`."""
        request = self.verified_request
        seeds = f"{request.seed} to {request.seed + request.seeds - 1}, n = {request.seeds}"
        return f"Over seeds {seeds}: `{self.experiment.command(request)}`."


@dataclass(frozen=True, slots=True)
class AdviceSection:
    """A section of advice for teachers."""

    heading: str
    paragraphs: tuple[str, ...]


TEN_SEEDS_FROM_7: dict[str, ParameterValue] = {"seed": 7, "seeds": 10}

INTRODUCTION = (
    "Each lesson is a link that opens one figure of the article with its settings filled in. "
    "Nothing trains until somebody presses Train. Ask first, have the class vote, then train: a "
    "run takes between some seconds and a minute. What students will see was measured over ten "
    "seeds on an Intel Xeon with PyTorch 2.15; the command repeats it. On another machine last "
    "digits may differ, and with them, now and then, a whole curve."
)

LESSONS = (
    Lesson(
        slug="learning-rates",
        title="A rate at which one network gets lost",
        minutes=10,
        settings={"seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="Two networks start from the same weights and see the same images; one has BatchNorm. "
        "Which of them will learn at a learning rate of 0.1, which at 0.5? Vote on all four.",
        see="At 0.1 both learn: in the end 89.7% of the test images are right with BatchNorm and "
        "87.4% without. At 0.5 BatchNorm comes to 89.6%, and the plain network to 11.5%, which is "
        "guessing. In all ten seeds BatchNorm passed 80% at 0.5 and the plain network did not "
        "(medians 91.3% and 11.5%).",
        why="A step that is too large pushes a channel’s bias so far down that its ReLU is silent "
        "for every image, and no gradient reaches it again. The switch below the charts counts "
        "such channels: at 0.5, 83% of the plain network’s are dead in the end, and 2% with "
        "BatchNorm. It sits behind the ReLU, so that it cannot lift a sinking channel; it keeps "
        "the gradients shorter. For the next question set `longest_gradient` to 1, which shortens "
        "the plain networks’ gradient: now they survive, too.",
    ),
    Lesson(
        slug="learning-rates",
        title="The same again, with γ at 1",
        minutes=10,
        settings={"gamma0": 1.0, "seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="In the lesson before, every γ started at 0.1. Now it starts at 1. Which of the four "
        "curves can change at all? Does BatchNorm still survive the rate of 0.5?",
        see="The two plain curves are the same to the last digit: they have no γ. At 0.1 BatchNorm "
        "ends at 92.7%. At 0.5 it diverges, within some ten steps and in all ten seeds; so now "
        "both networks fail there.",
        why="What reaches the norm has a deviation of about 0.1. With γ at 0.1 the factor γ/σ by "
        "which gradients come back is about 1, with γ at 1 it is 10, and the theorem that bounds "
        "the gradient promises nothing. BatchNorm widens the range of rates that work; it does "
        "not make a rate harmless, and a comparison holds for the settings with which it was made.",
    ),
    Lesson(
        slug="learning-rates",
        title="A slow start that was none",
        minutes=10,
        settings={"statistics": "precise", "seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="In the first lesson, at a rate of 0.1, BatchNorm lay below the plain network for some "
        "thirty steps. Why? Collect reasons. Then train the same seed again, but test BatchNorm "
        "with statistics taken anew from training images instead of its running averages.",
        see="The training is the same, the test another. After ten steps 44% of the test images "
        "are right instead of 12%, after twenty 65% instead of 35%; the plain network has 29% and "
        "51% (medians). After thirty steps BatchNorm is ahead in all ten seeds.",
        why="Running averages begin at a mean of 0 and a variance of 1, a hundred times the real "
        "one, and take in a tenth of each batch. A curve shows a network and the way in which it "
        "was tested; ask which of the two you see before you explain it.",
    ),
    Lesson(
        slug="survival",
        title="One run is one draw",
        minutes=15,
        settings={"learning_rate": 0.3},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="Everybody leaves the seed empty, so that each gets a run of their own. At a rate of "
        "0.3, does BatchNorm end ahead of the plain network in your run? In how many of the "
        "class? Then all set 0.7 and train again.",
        see="At 0.3 both passed 80% in all ten seeds (medians 91.8% with BatchNorm and 88.9% "
        "without), but in one of the ten the plain network ended ahead. At 0.7, with "
        "`--set learning_rate=0.7`, neither learned in any of the ten: the plain network stayed at "
        "about 11% and BatchNorm diverged. The maps below the charts have the rates between.",
        why="What a seed decides, first weights and the order of images, is luck. A claim about "
        "training is a claim about many runs; collect the class’s results on the board, and the "
        "spread is there before anybody has said variance.",
    ),
    Lesson(
        slug="norms",
        title="Is it the variance that matters?",
        minutes=10,
        settings={"seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="BatchNorm divides by the standard deviation. Other networks here divide by an ℓ1, ℓ2 "
        "or ℓ∞ norm instead, which does not fix the variance. Will they learn as fast as "
        "BatchNorm, or as slowly as the plain network?",
        see="Averaged over the run, 77.0% of the test images are right with BatchNorm, 72.3%, "
        "81.2% and 74.6% with ℓ1, ℓ2 and ℓ∞, and 70.9% without a norm. Each of the four was ahead "
        "of the plain network in all ten seeds (medians 78.0%, 75.8%, 81.7% and 74.8% to 68.9%). "
        "By the training loss only BatchNorm and ℓ2 are surely ahead; have the class compare.",
        why="Whatever helps is not the fixed variance itself, since three of the four do without "
        "it. Ask what the four have in common, and what still differs: with the same γ they hand "
        "on numbers of very different size, the ℓ1 norm twice as large behind the first block and "
        "the ℓ∞ norm a fifth as large.",
    ),
    Lesson(
        slug="covariate-shift",
        title="Putting the shift back",
        minutes=20,
        settings={"seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="Suppose BatchNorm helps because it keeps the inputs of each layer in place. Behind "
        "each norm we now add noise that moves them, anew at every step. What should happen to "
        "the network with BatchNorm, and why is there a fourth network, plain with noise?",
        see="With noise the means of the last layer’s inputs move 113 times as far from step to "
        "step as with BatchNorm alone. BatchNorm learns all the same, to 90.5%, and in the median "
        "of ten seeds to 91.0%; the plain network has 89.2% without noise and 65.3% with it. With "
        "seed 7 that one gets away with 84.9%, with two of the ten it stays below 10%.",
        why="The shift is back and the benefit is still there, so this shift is not what the "
        "benefit consists in. Other kinds may matter: this noise is new at every step. Let the "
        "class guess whether noise that lasts hurts more, then set `memory` to 10. The fourth "
        "network shows that the noise is strong enough to do harm. At a rate "
        "of 0.3 it is too strong for BatchNorm as well (it diverged in all ten): a good exercise "
        "in what an experiment does not show.",
    ),
    Lesson(
        slug="detached",
        title="Still inputs, and what they are worth",
        minutes=20,
        settings={"seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="The third network normalises as BatchNorm does, to the last bit, but its gradient "
        "takes mean and deviation for constants. Its inputs are as still as BatchNorm’s. If "
        "stillness is what helps, where will its curve lie? Vote: near BatchNorm, near the plain "
        "network, below both.",
        see="Below both: 63.6% of the test images in the end, 83.9% in the plain network and 88.2% "
        "with BatchNorm (medians), and behind the plain network in nine of ten seeds. Its inputs "
        "moved 1.3 times as far from step to step as with BatchNorm.",
        why="BatchNorm also changes the gradient. What it takes out looks tiny, a few "
        "ten-thousandths, and turns the gradient for the weights by some 50° all the same, because "
        "it is alike for all values of a channel. Then set `network` to shallow, `batch_size` to "
        "20 and `learning_rate` to 0.5: there the third network does as well as BatchNorm. A "
        "reason may hold in one setting and not in another.",
    ),
    Lesson(
        slug="smoothness",
        title="How far can a gradient be trusted?",
        minutes=20,
        settings={"seed": 7},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="We stop at a step and walk along the gradient by half, one, two and four learning "
        "rates. How much will the loss vary on the way? In which network does the gradient at the "
        "end still resemble the one at the start?",
        see="Averaged over the run, the loss varies by 0.24 nats with BatchNorm and by 1.20 "
        "without, the gradient changes by 3.0 at most against 14.4, and the effective β is 18 "
        "against 42. All three were lower with BatchNorm in all ten seeds. The fourth chart, the "
        "loss change from step to step, was lower in only seven.",
        why="On a smoother way the gradient stays right for longer, so that longer steps are safe: "
        "the larger rates of the first lesson. Discuss which of the four charts measures that, "
        "and which mixes it with the difference between mini-batches.",
    ),
    Lesson(
        slug="smoothness",
        title="A claim that shrinks",
        minutes=15,
        settings={"depth": 2},
        verified_settings=TEN_SEEDS_FROM_7,
        ask="The network before had six convolutions. With two, will BatchNorm still be smoother? "
        "Everybody trains with a seed of their own; whoever gets a verdict against BatchNorm calls "
        "it out.",
        see="Still lower with BatchNorm in nine of ten seeds, each of the three, but by less: 0.29 "
        "nats against 1.20, and an effective β of 26 against 40. Over twenty other seeds it was "
        "17, 16 and 16 of them. In a class, some verdicts will say the opposite, and they are no "
        "mistakes.",
        why="Smoothing builds up over layers. And a result that depends on depth should be told "
        "with its depth, an example that contradicts it along with the count.",
    ),
    Lesson(
        slug="weight-scale",
        title="Weights four times as long",
        minutes=15,
        settings={"doublings": 2, "seed": 100},
        verified_settings={"seed": 100, "seeds": 10},
        ask="All weights of the six convolutions are multiplied by four before the first step. "
        "What becomes of the first loss with BatchNorm, what of its gradient? Work it out on paper "
        "before you train.",
        see="The loss does not move: from a quarter to four times these weights it changed by "
        "0.00001 nats in the median of ten seeds. The gradient goes as one over the factor. Nine "
        "of the ten plain networks diverged, while those with BatchNorm came to between 60% and "
        "70% of the test images.",
        why="BatchNorm divides by a deviation that has grown by the same factor. So the length of "
        "the weights is free, and whoever compares two gradients or two curvatures must say how "
        "long the weights were.",
    ),
    Lesson(
        slug="gamma-beta",
        title="What γ and β can do alone",
        minutes=15,
        settings={"seed": 1000},
        verified_settings={"seed": 1000, "seeds": 10},
        ask="Every weight stays as random as it began, the last layer’s too; only γ and β learn, a "
        "scale and a shift for each channel. Guessing has 10% of the digits right. How many will "
        "this network have?",
        see="64% in the median of ten seeds, and between 61% and 70%. The last layer alone comes "
        "to 88% and the whole network to 96%, both ahead in all ten.",
        why="Amplifying, shifting and muting random filters is enough to tell most digits apart. "
        "So γ and β do work of their own, besides undoing the normalisation.",
    ),
)

ADVICE = (
    AdviceSection(
        "A class on one server",
        (
            "Requests for the same seed and settings share one run while it waits or trains. With "
            "a link that has a seed, then, the server trains once however many press Train, and "
            "all watch the same curves grow. A link without a seed gives each reader a run of "
            "their own, and these have to wait for each other.",
            "Measured on two processors, 300 readers clicking at once, with the first figure: with "
            "the seed left open, 12 runs were trained and 288 readers were given one that was "
            "already on its way; for half of all it began within 1.1 s, for the last one after "
            "61 s. With 300 different seeds typed in, 12 runs were accepted and 288 readers were "
            "told when to come back. `docs/load.md` has the table.",
            "So begin with a link that has a seed. For own runs, let the seed open or go row by "
            "row. The queue takes two minutes of promised wait, three quarters of it from one "
            "address, and a class often has one address only: on a server for the class alone, "
            "`BATCHNORM_ADDRESS_SHARE=1` and `BATCHNORM_QUEUE_SECONDS=600` let more in, who then "
            "wait longer. More processors and `BATCHNORM_WORKERS` make it faster. Where no server "
            "can train, `python -m app export site` makes plain files that replay recorded runs; "
            "these links then open the article, but fill nothing in.",
        ),
    ),
    AdviceSection(
        "Handing in",
        (
            "Under a finished run stands its permalink. It opens the article at that run for "
            "anybody, and as long as the server keeps it (`BATCHNORM_STORE_MB`) with all its "
            "points; after that it fills in seed and settings, so that the run can be made again.",
            "The receipt, a JSON file behind “Final values and receipt”, has seed, settings, "
            "versions and the digest of every number. `python -m app verify receipt.json` trains "
            "it again and compares digit for digit: exit code 0 if all are the same, 1 with the "
            "reason if not. On another kind of processor, with other vector instructions or other "
            "versions, digits may differ, and it says so.",
            "Below each chart, “Image and data” saves it as SVG or PNG, with seed, settings and "
            "permalink in its last lines. An answer is complete with a picture, a permalink or a "
            "receipt, and a sentence on how many seeds it holds for.",
        ),
    ),
)


def markdown() -> str:
    """Returns the text of docs/teaching.md."""
    parts = ["# Teaching with the article", INTRODUCTION]
    for number, lesson in enumerate(LESSONS, 1):
        parts += [
            f"## {number}. {lesson.title}",
            f"`{lesson.figure_link}` · {lesson.minutes} minutes",
            f"**Ask first.** {lesson.ask}",
            f"**What students will see.** {lesson.see} {lesson.evidence}",
            f"**Why.** {lesson.why}",
        ]
    for advice in ADVICE:
        parts += [f"## {advice.heading}", *advice.paragraphs]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    standard_streams.make_encoding_safe()
    standard_streams.print_document(markdown())
