"""The article's references, and the reference that cites the article itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["inproceedings", "article", "misc"]

# The BibTeX field for the venue, by entry type.
VENUE_FIELDS: dict[Kind, str] = {
    "inproceedings": "booktitle",
    "article": "journal",
    "misc": "howpublished",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A cited work. `kind` is its BibTeX entry type; `venue` is empty for a preprint.

    At most one of `arxiv` (an arXiv identifier), `doi` and `url` is given.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    kind: Kind = "misc"
    venue: str = ""
    volume: int | None = None
    number: int | None = None
    arxiv: str | None = None
    doi: str | None = None
    url: str | None = None

    @property
    def publication(self) -> str:
        """The venue with volume and number, for the list of references; empty for a preprint."""
        if self.volume is None:
            return self.venue
        return f"{self.venue} {self.volume}({self.number})"

    @property
    def link_url(self) -> str | None:
        """The URL of the work; None if only its venue is known."""
        if self.arxiv is not None:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi is not None else self.url

    @property
    def link_text(self) -> str:
        """The text of a link to the work."""
        if self.arxiv is not None:
            return f"arXiv:{self.arxiv}"
        if self.doi is not None:
            return f"doi:{self.doi}"
        return (self.url or "").removeprefix("https://").partition("/")[0]

    def bibtex(self) -> str:
        """Returns its BibTeX entry in UTF-8. Braces keep the title's capitals."""
        lines = [f"  {name} = {{{value}}}," for name, value in self._bibtex_fields()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])

    def _bibtex_fields(self) -> Iterator[tuple[str, str | int]]:
        yield "author", " and ".join(self.authors)
        yield "title", f"{{{self.title}}}"
        if self.venue:
            yield VENUE_FIELDS[self.kind], self.venue
        if self.volume is not None and self.number is not None:
            yield "volume", self.volume
            yield "number", self.number
        yield "year", self.year
        if self.arxiv is not None:
            yield "eprint", self.arxiv
            yield "archiveprefix", "arXiv"
        if self.doi is not None:
            yield "doi", self.doi
        if self.url is not None:
            yield "url", self.url


# As the licence names its authors; the braces keep BibTeX from taking it for a person's name.
ARTICLE = Reference(
    key="batchnorm2026",
    authors=("{The authors of ``Why Does Batch Normalization Work?''}",),
    title="Why Does Batch Normalization Work?",
    year=2026,
)

# All that may be cited. A key is the first author's surname and the year.
REFERENCES = (
    Reference(
        key="ioffe2015",
        authors=("Sergey Ioffe", "Christian Szegedy"),
        title="Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
        "Covariate Shift",
        kind="inproceedings",
        venue="ICML",
        year=2015,
        arxiv="1502.03167",
    ),
    Reference(
        key="santurkar2018",
        authors=("Shibani Santurkar", "Dimitris Tsipras", "Andrew Ilyas", "Aleksander Mądry"),
        title="How Does Batch Normalization Help Optimization?",
        kind="inproceedings",
        venue="NeurIPS",
        year=2018,
        arxiv="1805.11604",
    ),
    Reference(
        key="lecun1998",
        authors=("Yann LeCun", "Léon Bottou", "Yoshua Bengio", "Patrick Haffner"),
        title="Gradient-Based Learning Applied to Document Recognition",
        kind="article",
        venue="Proceedings of the IEEE",
        volume=86,
        number=11,
        year=1998,
        doi="10.1109/5.726791",
    ),
    Reference(
        key="hinton2012",
        authors=("Geoffrey Hinton", "Nitish Srivastava", "Kevin Swersky"),
        title="Neural Networks for Machine Learning, Lecture 6b: A Bag of Tricks for Mini-Batch "
        "Gradient Descent",
        venue="Coursera",
        year=2012,
        url="https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf",
    ),
    Reference(
        key="im2016",
        authors=("Daniel Jiwoong Im", "Michael Tao", "Kristin Branson"),
        title="An Empirical Analysis of the Optimization of Deep Network Loss Surfaces",
        year=2016,
        arxiv="1612.04010",
    ),
    Reference(
        key="li2018",
        authors=("Hao Li", "Zheng Xu", "Gavin Taylor", "Christoph Studer", "Tom Goldstein"),
        title="Visualizing the Loss Landscape of Neural Nets",
        kind="inproceedings",
        venue="NeurIPS",
        year=2018,
        arxiv="1712.09913",
    ),
    Reference(
        key="bjorck2018",
        authors=("Nils Bjorck", "Carla P. Gomes", "Bart Selman", "Kilian Q. Weinberger"),
        title="Understanding Batch Normalization",
        kind="inproceedings",
        venue="NeurIPS",
        year=2018,
        arxiv="1806.02375",
    ),
    Reference(
        key="kohler2019",
        authors=(
            "Jonas Kohler",
            "Hadi Daneshmand",
            "Aurelien Lucchi",
            "Thomas Hofmann",
            "Ming Zhou",
            "Klaus Neymeyr",
        ),
        title="Exponential Convergence Rates for Batch Normalization: The Power of "
        "Length-Direction Decoupling in Non-Convex Optimization",
        kind="inproceedings",
        venue="AISTATS",
        year=2019,
        arxiv="1805.10694",
    ),
    Reference(
        key="arora2019",
        authors=("Sanjeev Arora", "Zhiyuan Li", "Kaifeng Lyu"),
        title="Theoretical Analysis of Auto Rate-Tuning by Batch Normalization",
        kind="inproceedings",
        venue="ICLR",
        year=2019,
        arxiv="1812.03981",
    ),
    Reference(
        key="vanlaarhoven2017",
        authors=("Twan van Laarhoven",),
        title="L2 Regularization versus Batch and Weight Normalization",
        year=2017,
        arxiv="1706.05350",
    ),
    Reference(
        key="yang2019",
        authors=(
            "Greg Yang",
            "Jeffrey Pennington",
            "Vinay Rao",
            "Jascha Sohl-Dickstein",
            "Samuel S. Schoenholz",
        ),
        title="A Mean Field Theory of Batch Normalization",
        kind="inproceedings",
        venue="ICLR",
        year=2019,
        arxiv="1902.08129",
    ),
    Reference(
        key="de2020",
        authors=("Soham De", "Samuel L. Smith"),
        title="Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep "
        "Networks",
        kind="inproceedings",
        venue="NeurIPS",
        year=2020,
        arxiv="2002.10444",
    ),
    Reference(
        key="galloway2019",
        authors=(
            "Angus Galloway",
            "Anna Golubeva",
            "Thomas Tanay",
            "Medhat Moussa",
            "Graham W. Taylor",
        ),
        title="Batch Normalization is a Cause of Adversarial Vulnerability",
        year=2019,
        arxiv="1905.02161",
    ),
    Reference(
        key="cohen2021",
        authors=(
            "Jeremy M. Cohen",
            "Simran Kaur",
            "Yuanzhi Li",
            "J. Zico Kolter",
            "Ameet Talwalkar",
        ),
        title="Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability",
        kind="inproceedings",
        venue="ICLR",
        year=2021,
        arxiv="2103.00065",
    ),
    Reference(
        key="lyu2022",
        authors=("Kaifeng Lyu", "Zhiyuan Li", "Sanjeev Arora"),
        title="Understanding the Generalization Benefit of Normalization Layers: Sharpness "
        "Reduction",
        kind="inproceedings",
        venue="NeurIPS",
        year=2022,
        arxiv="2206.07085",
    ),
    Reference(
        key="yao2020",
        authors=("Zhewei Yao", "Amir Gholami", "Kurt Keutzer", "Michael W. Mahoney"),
        title="PyHessian: Neural Networks Through the Lens of the Hessian",
        kind="inproceedings",
        venue="IEEE International Conference on Big Data",
        year=2020,
        arxiv="1912.07145",
    ),
    Reference(
        key="frankle2021",
        authors=("Jonathan Frankle", "David J. Schwab", "Ari S. Morcos"),
        title="Training BatchNorm and Only BatchNorm: On the Expressive Power of Random Features "
        "in CNNs",
        kind="inproceedings",
        venue="ICLR",
        year=2021,
        arxiv="2003.00152",
    ),
    Reference(
        key="balestriero2022",
        authors=("Randall Balestriero", "Richard G. Baraniuk"),
        title="Batch Normalization Explained",
        year=2022,
        arxiv="2209.14778",
    ),
    Reference(
        key="wu2021",
        authors=("Yuxin Wu", "Justin Johnson"),
        title="Rethinking “Batch” in BatchNorm",
        year=2021,
        arxiv="2105.07576",
    ),
    Reference(
        key="hoffer2018",
        authors=("Elad Hoffer", "Ron Banner", "Itay Golan", "Daniel Soudry"),
        title="Norm Matters: Efficient and Accurate Normalization Schemes in Deep Networks",
        kind="inproceedings",
        venue="NeurIPS",
        year=2018,
        arxiv="1803.01814",
    ),
    Reference(
        key="wu2018",
        authors=("Yuxin Wu", "Kaiming He"),
        title="Group Normalization",
        kind="inproceedings",
        venue="ECCV",
        year=2018,
        arxiv="1803.08494",
    ),
    Reference(
        key="awais2021",
        authors=("Muhammad Awais", "Md. Tauhid Bin Iqbal", "Sung-Ho Bae"),
        title="Revisiting Internal Covariate Shift for Batch Normalization",
        kind="article",
        venue="IEEE Transactions on Neural Networks and Learning Systems",
        volume=32,
        number=11,
        year=2021,
    ),
    Reference(
        key="page2019",
        authors=("David Page",),
        title="How to Train Your ResNet 7: Batch Norm",
        venue="Myrtle.ai",
        year=2019,
        url="https://myrtle.ai/learn/how-to-train-your-resnet-7-batch-norm/",
    ),
)
