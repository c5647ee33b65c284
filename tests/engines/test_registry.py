import sys
from typing import get_args

import pytest

from app.engines.inline import InlineEngine
from app.engines.on_ray import RayEngine
from app.engines.registry import ENGINES, create_engine
from app.engines.workers import WorkersEngine
from app.errors import InvalidSettings
from app.settings import Settings
from tests.engines.conftest import MakeSettings


def test_every_engine_of_the_settings_is_registered() -> None:
    assert set(get_args(Settings.model_fields["engine"].annotation)) == set(ENGINES)


def test_the_settings_name_the_engine(engine_settings: MakeSettings) -> None:
    kinds = {name: type(create_engine(engine_settings(engine=name))) for name in ENGINES}
    assert kinds == {"workers": WorkersEngine, "inline": InlineEngine, "ray": RayEngine}


def test_without_ray_the_setting_says_how_to_install_it(
    engine_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "app.engines.on_ray")
    with pytest.raises(InvalidSettings, match=r"^BATCHNORM_ENGINE: .* pip install '\.\[ray\]'"):
        create_engine(engine_settings(engine="ray"))


def test_workers_are_refused_on_windows_in_one_line(
    engine_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InvalidSettings, match=r"^BATCHNORM_ENGINE: .*'inline'"):
        create_engine(engine_settings(engine="workers"))
    assert isinstance(create_engine(engine_settings(engine="inline")), InlineEngine)
