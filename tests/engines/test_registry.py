from typing import get_args

from app.engines.registry import ENGINES, engine_for
from app.settings import Settings
from tests.engines.conftest import MakeSettings


def test_every_engine_of_the_settings_is_registered() -> None:
    assert set(get_args(Settings.model_fields["engine"].annotation)) == set(ENGINES)


def test_the_settings_name_the_engine(engine_settings: MakeSettings) -> None:
    for name, kind in ENGINES.items():
        assert type(engine_for(engine_settings(engine=name))) is kind
