import inspect
import re

from app import errors


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in errors.__doc__.splitlines():
        if match := re.match(r"([│ ├└─]*)([A-Z]\w+)(  |$)", line):
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            drawn[match[2]] = path[-2] if depth else "Exception"
    defined = {
        name: found.__base__.__name__
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, Exception) and found.__base__ is not None
    }
    assert drawn == defined


def test_an_invalid_request_names_each_field_in_its_message() -> None:
    problems = [errors.FieldProblem("seed", "too small"), errors.FieldProblem("steps", "too big")]
    assert str(errors.InvalidRequest(problems)) == "seed: too small; steps: too big"


def test_a_training_that_raised_keeps_its_traceback_out_of_the_message() -> None:
    failed = errors.TrainingFailed("Traceback: KeyError 'secret'")
    assert failed.details == "Traceback: KeyError 'secret'"
    assert "secret" not in str(failed)
