"""python -m app: serve (default) · train · list · record · comments."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from app import cli, settings
from app.errors import BatchNormError, DatasetError, StoreUnavailable

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; bad input is one line on stderr and 2."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        return _run(options)
    except KeyboardInterrupt:
        return cli.INTERRUPTED
    except DatasetError as error:
        print(f"{error} (in {settings.load().data_dir})", file=sys.stderr)
    except StoreUnavailable as error:
        print(error.details, file=sys.stderr)
    except BatchNormError as error:
        print(error, file=sys.stderr)
    return BAD_INPUT


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "list":
            return cli.show_list()
        case "train":
            logging.disable(logging.WARNING)  # they would break the progress bar
            # What the engine reports to an operator, the command's last line says.
            logging.getLogger("app.engines").setLevel(logging.CRITICAL)
            return cli.train(
                settings.load(),
                options.slug,
                seed=options.seed,
                seeds=options.seeds,
                assignments=options.set,
                csv=options.csv,
                as_json=options.json,
            )
        case "record":
            return cli.record(settings.load(), options.slugs)
        case "comments":
            # What the store reports to an operator, the command's last line says.
            logging.getLogger("app.store").setLevel(logging.CRITICAL)
            if options.remove is None:
                return cli.show_comments(settings.load())
            return cli.remove_comment(settings.load(), options.remove)
        case _:
            from app.serve import serve  # the web is not needed to train in a terminal

            serve(settings.load())
            return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="serve the article (the default)")
    commands.add_parser("list", help="the experiments, their parameters and metrics")
    train = commands.add_parser("train", help="train one figure without a browser")
    train.add_argument("slug", metavar="SLUG")
    train.add_argument("--seed", metavar="N", help="drawn at random if absent")
    train.add_argument("--seeds", metavar="K", help="how many consecutive seeds")
    train.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="turn a parameter"
    )
    train.add_argument("--csv", metavar="FILE", type=Path, help="write all points to FILE")
    train.add_argument("--json", action="store_true", help="print the receipt instead")
    record = commands.add_parser("record", help="renew the article's recordings")
    record.add_argument("slugs", metavar="SLUG", nargs="*", help="all of them if absent")
    comments = commands.add_parser("comments", help="what readers wrote, the newest first")
    comments.add_argument("--remove", metavar="NUMBER", help="remove one for good instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
