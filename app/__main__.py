"""python -m app: serve (default) · train · verify · claims · list · record · export · comments."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app import cli, logging_config, settings, standard_streams
from app.errors import BatchNormError, DatasetError, StoreUnavailable

EXIT_BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; bad input is one line on stderr and 2."""
    standard_streams.make_encoding_safe()
    try:
        with standard_streams.flush_at_end():
            return _run(arguments)
    except BrokenPipeError:
        return standard_streams.EXIT_BROKEN_PIPE
    except standard_streams.OutputNotWritable as error:
        print(error, file=sys.stderr)
        return cli.EXIT_FAILED


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    do: Callable[[argparse.Namespace], int] = options.do
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        return do(options)
    except KeyboardInterrupt:
        return cli.EXIT_INTERRUPTED
    except DatasetError as error:
        print(f"{error} (in {settings.load().data_dir})", file=sys.stderr)
    except StoreUnavailable as error:
        print(error.details, file=sys.stderr)
    except BatchNormError as error:
        print(error, file=sys.stderr)
    return EXIT_BAD_INPUT


def _serve(_: argparse.Namespace) -> int:
    from app.serve import serve  # training in a terminal does not need the web

    loaded = settings.load()
    logging_config.configure(loaded.log_format)
    serve(loaded)
    return cli.EXIT_FINISHED


def _list(_: argparse.Namespace) -> int:
    return cli.list_experiments()


def _train(options: argparse.Namespace) -> int:
    _silence_logs()
    return cli.train(
        settings.load(),
        options.slug,
        seed=options.seed,
        seeds=options.seeds,
        assignments=options.set,
        csv=options.csv,
        as_json=options.json,
    )


def _verify(options: argparse.Namespace) -> int:
    _silence_logs()
    return cli.verify(settings.load(), options.receipt)


def _claims(options: argparse.Namespace) -> int:
    _silence_logs()
    return cli.claims(
        settings.load(),
        options.slugs,
        seed=options.seed,
        seeds=options.seeds,
        assignments=options.set,
        into=options.into,
    )


def _record(options: argparse.Namespace) -> int:
    if options.stills:
        return cli.draw_stills(options.slugs)
    return cli.record(settings.load(), options.slugs)


def _export(options: argparse.Namespace) -> int:
    return cli.export_article(settings.load(), options.folder)


def _comments(options: argparse.Namespace) -> int:
    # The command's last line reports errors of the store.
    logging.getLogger("app.store").setLevel(logging.CRITICAL)
    if options.remove is None:
        return cli.show_comments(settings.load())
    return cli.remove_comment(settings.load(), options.remove)


def _silence_logs() -> None:
    logging.disable(logging.WARNING)
    # The command's last line reports errors of the engine.
    logging.getLogger("app.engines").setLevel(logging.CRITICAL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.set_defaults(do=_serve)
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("serve", help="serve the article (the default)")
    shown = commands.add_parser("list", help="the experiments, their parameters and metrics")
    shown.set_defaults(do=_list)
    train = commands.add_parser("train", help="train one figure without a browser")
    train.set_defaults(do=_train)
    train.add_argument("slug", metavar="SLUG")
    train.add_argument("--seed", metavar="N", help="drawn at random if absent")
    train.add_argument("--seeds", metavar="K", help="how many consecutive seeds")
    train.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="set a parameter"
    )
    train.add_argument("--csv", metavar="FILE", type=Path, help="write all points to FILE")
    train.add_argument("--json", action="store_true", help="print the receipt as JSON")
    verify = commands.add_parser("verify", help="repeat a receipt's run and compare its numbers")
    verify.set_defaults(do=_verify)
    verify.add_argument("receipt", metavar="RECEIPT.json", type=Path)
    claims = commands.add_parser("claims", help="judge the article's claims over many seeds")
    claims.set_defaults(do=_claims)
    claims.add_argument("slugs", metavar="SLUG", nargs="*", help="all of them if absent")
    claims.add_argument("--seed", metavar="N", default="2000", help="the first, 2000 if absent")
    claims.add_argument("--seeds", metavar="K", default="20", help="how many, 20 if absent")
    claims.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="turn a parameter"
    )
    claims.add_argument("--into", metavar="FILE", type=Path, help="replace the table in FILE")
    record = commands.add_parser("record", help="renew the article's recordings")
    record.set_defaults(do=_record)
    record.add_argument("slugs", metavar="SLUG", nargs="*", help="all of them if absent")
    record.add_argument(
        "--stills", action="store_true", help="only redraw the pictures, without training"
    )
    export = commands.add_parser("export", help="write the article as a static site")
    export.set_defaults(do=_export)
    export.add_argument(
        "folder",
        metavar="DIR",
        type=Path,
        help="a new or empty folder, or an earlier export to renew",
    )
    comments = commands.add_parser("comments", help="list readers' comments, the newest first")
    comments.set_defaults(do=_comments)
    comments.add_argument("--remove", metavar="NUMBER", help="delete this comment instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
