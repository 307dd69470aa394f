"""Settings: loaded once, and a wrong one stops the start and names its line."""

from pathlib import Path

import pytest

from bot.settings import WrongSettings, load


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    file = folder / "paidan.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(WrongSettings) as wrong:
        load(file, environ or {})
    return wrong.value.problems


def test_a_wrong_value_names_its_line(tmp_path):
    (said,) = problems(tmp_path, '[http]\nhost = "127.0.0.1"\nport = 99999\n')
    assert said.startswith(f"{tmp_path / 'paidan.toml'}, line 3: http.port: ")


def test_an_unknown_setting_is_refused(tmp_path):
    (said,) = problems(tmp_path, '[desk]\nzoen = "Asia/Shanghai"\n')
    assert "line 2: desk.zoen: there is no such setting" in said


def test_an_unknown_zone_is_refused(tmp_path):
    (said,) = problems(tmp_path, '[desk]\nzone = "Asia/Kanton"\n')
    assert "there is no time zone 'Asia/Kanton'" in said


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("http", "port", '"many"', "must be a whole number"),
        ("http", "public_url", '"desk.example.com"', "must start with http:// or https://"),
        ("telegram", "base_url", '"localhost:81"', "must start with http:// or https://"),
        ("telegram", "proxy", '"htp://x"', "must start with http:// or socks5://"),
        ("desk", "survey_hour", "25", "must be less than or equal to 23"),
        ("log", "level", '"loud"', "must be 'debug', 'info', 'warning' or 'error'"),
        ("[sms]", "name", '"The Desk"', "must have 1 to 32 small letters, digits and hyphens"),
        ("[sms]", "token", '"short"', "must have at least 22 characters"),
        ("[sms]", "kind", '"fax"', "must be 'kannel', 'smsgate', 'twilio'"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_in_plain_words(tmp_path, section, key, value, said):
    text = f"[{section}]\n{key} = {value}\n"
    told = [one for one in problems(tmp_path, text) if f".{key}: " in one]
    assert told[0].split(f".{key}: ")[1].startswith(said)
    assert "line 2" in told[0]


def test_what_is_missing_is_said(tmp_path):
    told = problems(tmp_path, '[[sms]]\nname = "one"\n')
    assert [one.split(": ", 1)[1] for one in told] == [
        "sms.0.kind: is missing",
        "sms.0.token: is missing",
    ]


def test_a_web_hook_without_a_secret_is_refused(tmp_path):
    (said,) = problems(tmp_path, '[telegram]\ntoken = "1:x"\nwebhook_url = "https://x.example"\n')
    assert "webhook_secret" in said


def test_a_file_that_is_named_and_not_there_is_said(tmp_path):
    with pytest.raises(WrongSettings, match="there is no such file"):
        load(tmp_path / "nowhere.toml", {})


def test_a_secret_comes_from_a_file_or_from_the_environment(tmp_path):
    (tmp_path / "token").write_text("1:from-a-file\n", "utf-8")
    file = tmp_path / "paidan.toml"
    file.write_text('[telegram]\ntoken_file = "token"\n', "utf-8")
    given = load(file, {}).telegram
    assert given is not None
    assert given.token.get_secret_value() == "1:from-a-file"
    other = load(file, {"PAIDAN_TELEGRAM__TOKEN": "1:from-outside"}).telegram
    assert other is not None
    assert other.token.get_secret_value() == "1:from-outside"


def test_a_list_in_the_environment_is_written_as_in_the_file(tmp_path):
    file = tmp_path / "paidan.toml"
    file.write_text('[[sms]]\nname = "one"\nkind = "generic"\ntoken_file = "t"\n', "utf-8")
    (tmp_path / "t").write_text("x" * 22, "utf-8")
    given = {
        "PAIDAN_SMS__0__PREFIXES": '["+86", "+852"]',
        "PAIDAN_SMS__0__PASSWORD": "[half a list",
    }
    (section,) = load(file, given).sms
    assert section.prefixes == ("+86", "+852")
    assert section.password.get_secret_value() == "[half a list"


def test_a_wrong_value_in_the_environment_names_its_variable(tmp_path):
    given = {"PAIDAN_HTTP__PORT": "the usual one"}
    (said,) = problems(tmp_path, '[http]\nhost = "127.0.0.1"\n', given)
    assert said.startswith("PAIDAN_HTTP__PORT: http.port: ")


@pytest.mark.parametrize(
    "name", ["PAIDAN_SMS__0__TOKEN", "PAIDAN_SMS__FIRST__TOKEN", "PAIDAN_DATABASE__URL"]
)
def test_a_variable_for_a_section_that_is_not_there_is_refused(tmp_path, name):
    text = 'database = "sqlite:///x.db"\nsms = []\n'
    assert problems(tmp_path, text, {name: "x"}) == [f"{name}: there is no such section"]


def test_secrets_are_not_shown(tmp_path):
    file = tmp_path / "paidan.toml"
    file.write_text('[telegram]\ntoken = "1:very-secret"\n', "utf-8")
    assert "very-secret" not in repr(load(file, {}))
