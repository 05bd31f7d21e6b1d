"""Settings: file, then environment, then flags; what nobody knows is an error."""

from pathlib import Path

import pytest

from engine.errors import BadSetting
from engine.settings import EngineSettings, load_settings
from server.settings import Settings


def toml(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "reelhouse.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_flags_win_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = toml(tmp_path, 'profile = "from-file"\nwave = 7\nhome = "/file"\n')
    settings = load_settings(
        Settings,
        environ={"REELHOUSE_PROFILE": "from-env", "REELHOUSE_HOME": "/env"},
        file=file,
        flags={"home": Path("/flag")},
    )
    assert (settings.wave, settings.profile, settings.home) == (7, "from-env", Path("/flag"))


def test_an_empty_value_in_the_environment_is_an_unset_one(tmp_path: Path) -> None:
    file = toml(tmp_path, 'profile = "cpu"\n')
    settings = load_settings(EngineSettings, environ={"REELHOUSE_PROFILE": "", "REELHOUSE_NONSENSE": ""}, file=file)
    assert settings.profile == "cpu"


def test_a_flag_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    assert load_settings(EngineSettings, environ={}, file=toml(tmp_path, ""), flags={"profile": None}).profile == "auto"


def test_text_from_the_environment_becomes_the_type_that_is_wanted(tmp_path: Path) -> None:
    environ = {
        "REELHOUSE_WAVE": "8",
        "REELHOUSE_LEASE_SECONDS": "2.5",
        "REELHOUSE_ALLOWED_HOSTS": "studio.lan, 10.0.0.7",
        "REELHOUSE_OFFLINE": "strict",
    }
    settings = load_settings(Settings, environ=environ, file=toml(tmp_path, ""))
    assert settings.wave == 8
    assert settings.lease_seconds == 2.5
    assert settings.allowed_hosts == ("studio.lan", "10.0.0.7")
    assert settings.offline == "strict"


@pytest.mark.parametrize(("word", "meaning"), [("1", "strict"), ("true", "strict"), ("0", "sealed")])
def test_offline_may_be_switched_like_any_switch(tmp_path: Path, word: str, meaning: str) -> None:
    settings = load_settings(EngineSettings, environ={"REELHOUSE_OFFLINE": word}, file=toml(tmp_path, ""))
    assert settings.offline == meaning


def test_an_unknown_name_in_the_environment_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="REELHOUSE_PROFLE, which is no setting: did you mean REELHOUSE_PROFILE"):
        load_settings(Settings, environ={"REELHOUSE_PROFLE": "cpu"}, file=toml(tmp_path, ""))


def test_an_unknown_name_in_the_file_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"reelhouse.toml sets publik_url, .*did you mean public_url"):
        load_settings(Settings, environ={}, file=toml(tmp_path, 'publik_url = "http://x"'))


def test_a_name_like_no_other_is_answered_with_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"known are .*REELHOUSE_HOME, .*REELHOUSE_PROFILE"):
        load_settings(EngineSettings, environ={"REELHOUSE_ZZZZZZ": "1"}, file=toml(tmp_path, ""))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"REELHOUSE_WAVE": "many"}, "REELHOUSE_WAVE to 'many'"),
        ({"REELHOUSE_OFFLINE": "maybe"}, "not one of sealed, strict"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        load_settings(Settings, environ=environ, file=toml(tmp_path, ""))


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"reelhouse.toml cannot be read as TOML"):
        load_settings(Settings, environ={}, file=toml(tmp_path, "profile: cpu"))


def test_the_file_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, "wave = 3")
    monkeypatch.chdir(tmp_path)
    assert load_settings(Settings, environ={}).wave == 3


def test_a_home_is_absolute_and_its_tilde_is_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    home = load_settings(EngineSettings, environ={"REELHOUSE_HOME": "~/films"}, file=toml(tmp_path, "")).home
    assert home == tmp_path / "films"


def test_every_setting_that_others_rely_on_is_known() -> None:
    relied_on = (
        "home data profile public_url allowed_hosts trusted_proxies allowed_fetch offline lease_seconds sweep_seconds "
        "wave limits_generate limits_read limits_login credits_story credits_grant torch_index fault "
        "database_url queue_url media_url"
    )
    ours = {"secret", "retain_days"}
    assert set(relied_on.split()) | ours == set(Settings.__struct_fields__)
