import os
from pathlib import Path

import pytest

from app import settings
from app.errors import InvalidSettings


def test_the_settings_have_defaults_that_work() -> None:
    loaded = settings.load()
    assert (loaded.host, loaded.port, loaded.engine) == ("127.0.0.1", 8000, "workers")
    assert loaded.workers >= 1
    assert (loaded.data_dir / "t10k-labels-idx1-ubyte.gz").exists()


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BATCHNORM_PORT", "8123")
    monkeypatch.setenv("BATCHNORM_ENGINE", "inline")
    monkeypatch.setenv("BATCHNORM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BATCHNORM_ALLOWED_HOSTS", "a.example, b.example")
    loaded = settings.load()
    assert (loaded.port, loaded.engine, loaded.data_dir) == (8123, "inline", tmp_path)
    assert loaded.allowed_hosts == {"a.example", "b.example"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("WORKERS", ""),
        ("ENGINE", "threads"),
        ("PUBLIC_URL", "article.example.org"),
        ("PUBLIC_URL", "https://ärtikel.example"),
        ("PUBLIC_URL", 'https://a.example/"><script>'),
        ("DEVICE", "tpu"),
        ("QUEUE_SECONDS", "nan"),
        ("QUEUE_SECONDS", "inf"),
        ("DEADLINE_SECONDS", "0"),
        ("RUNS_PER_READER", "0"),
        ("SECRET", "short"),
        ("ALLOWED_HOSTS", "www.*"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("HOST", ""),
        *(
            ("ROOT_PATH", path)
            for path in ("bn", "/bn/", "//bn", "/a/../b", "/b n", "/b?n", "/%62")
        ),
        *(
            ("PUBLIC_URL", url)
            for url in ("a.example", "ftp://a.example", "https://", "https://a@b")
        ),
        ("NODE", "Node-A"),
        ("RAY_ADDRESS", "ray://head:10001"),
        ("COMMENTS", "perhaps"),
        ("LOG_FORMAT", "xml"),
        ("METRICS", "perhaps"),
        ("LANGUAGE", "../en"),
        ("LANGUAGE", "sections"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BATCHNORM_{name}", value)
    with pytest.raises(InvalidSettings) as raised:
        settings.load()
    line = str(raised.value)
    assert line.startswith(f"BATCHNORM_{name}: ")
    assert "\n" not in line


def test_several_bad_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHNORM_PORT", "-1")
    monkeypatch.setenv("BATCHNORM_WORKERS", "0")
    with pytest.raises(InvalidSettings, match=r"BATCHNORM_PORT: .*BATCHNORM_WORKERS: "):
        settings.load()


def test_a_refused_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHNORM_SECRET", "hunter2")
    with pytest.raises(InvalidSettings) as raised:
        settings.load()
    assert "hunter2" not in str(raised.value)


def test_a_secret_does_not_show_when_the_settings_are_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BATCHNORM_SECRET", "correct horse battery")
    assert "horse" not in repr(settings.load())


def test_a_secret_is_drawn_at_each_start() -> None:
    assert settings.load().secret != settings.load().secret


def test_the_cache_follows_the_xdg_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert settings.load().cache_dir == tmp_path / "batchnorm"


def test_the_store_follows_the_xdg_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert settings.load().store == tmp_path / "batchnorm" / "batchnorm.db"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.load().store == tmp_path / ".local" / "share" / "batchnorm" / "batchnorm.db"


def test_comments_are_switched_off_by_a_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().comments
    monkeypatch.setenv("BATCHNORM_COMMENTS", "0")
    assert not settings.load().comments


@pytest.mark.parametrize("missing", ["CACHE_DIR", "STORE"])
def test_a_user_without_a_home_folder_is_told_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    """As in a container whose user has a number and no name."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    for name in {"CACHE_DIR", "STORE"} - {missing}:
        monkeypatch.setenv(f"BATCHNORM_{name}", str(tmp_path))
    with pytest.raises(InvalidSettings, match=rf"^BATCHNORM_{missing}: .* no home folder"):
        settings.load()
    monkeypatch.setenv(f"BATCHNORM_{missing}", str(tmp_path))
    settings.load()
