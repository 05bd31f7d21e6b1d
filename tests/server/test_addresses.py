"""Which addresses may be reached: the public Internet and what the operator allows, judged before anybody is asked."""

import ipaddress
import threading

import pytest

from server.addresses import Refused, addresses_of, is_public, read_allowed
from server.errors import BadInput
from server.fetching import check_target
from server.settings import Settings
from tests.server.fetching_rooms import Names, nobody, refusal

# ---- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "192.0.1.1"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"])
def test_public_addresses_of_ipv6_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1
2001::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_every_other_address_is_refused_as_itself_and_behind_a_name(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    assert "not a public address" in refusal(f"http://{host}/a.png", resolve=nobody)
    assert "not a public address" in refusal("http://a.example/a.png", resolve=Names(a_example=[[address]]))


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "0",
        "017700000001",
        "127.0.0.1.",
        "0x7f.1",
        "127.000.000.001",
        "127.0.0.0x1",
        "1.2.3.4.5",
        "134744072",
        "0x",
        "127%2e0%2e0%2e1",
        "１２７.０.０.１",
        "127。0。0。1",
    ],
)
def test_odd_spellings_of_an_address_are_refused_without_asking_anybody(host: str) -> None:
    refusal(f"http://{host}/a.png", resolve=nobody)


def test_a_name_with_one_bad_address_among_good_ones_is_refused() -> None:
    names = Names(a_example=[["8.8.8.8", "127.0.0.1"]])
    assert "not a public address" in refusal("http://a.example/a.png", resolve=names)


def test_localhost_is_refused_by_the_systems_own_resolver() -> None:
    assert "not a public address" in refusal("http://localhost/a.png")


def test_a_name_that_cannot_be_found_is_said_to_be() -> None:
    assert "a.example cannot be found" in refusal("http://a.example/a.png", resolve=Names())


def test_a_resolver_that_never_answers_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.addresses.LOOK_UP_SECONDS", 0.05)
    waits = threading.Event()
    try:
        assert "cannot be found" in refusal("http://a.example/", resolve=lambda *_: [str(waits.wait(60))])
    finally:
        waits.set()


@pytest.mark.parametrize(
    ("entry", "host", "port", "addresses"),
    [
        ("nas.lan", "nas.lan", 80, ["10.0.0.7"]),
        ("NAS.lan", "nas.lan.", 9000, ["10.0.0.7"]),
        ("nas.lan:9000", "nas.lan", 9000, ["10.0.0.7"]),
        ("10.0.0.7", "10.0.0.7", 80, ["10.0.0.7"]),
        ("10.0.0.7:9000", "10.0.0.7", 9000, ["10.0.0.7"]),
        ("10.0.0.0/8", "nas.lan", 80, ["10.0.0.7"]),
        ("fd00::/8", "nas.lan", 80, ["fd00::7"]),
        ("fd00::7", "fd00::7", 80, ["fd00::7"]),
        ("[fd00::7]:9000", "fd00::7", 9000, ["fd00::7"]),
    ],
)
def test_the_operator_allows_hosts_by_name_address_network_and_port(
    entry: str, host: str, port: int, addresses: list[str]
) -> None:
    def resolve(asked: str, _: int) -> list[str]:
        return addresses

    assert addresses_of(host, port, read_allowed([entry]), resolve) == addresses
    for allowed in ([], read_allowed(["other.lan", "10.9.9.9", "fd99::/16"])):
        with pytest.raises(Refused):
            addresses_of(host, port, allowed, resolve)


@pytest.mark.parametrize("entry", ["nas.lan:9000", "10.0.0.7:9000", "sub.nas.lan", "lan", "10.0.0.0/32", "as.lan"])
def test_what_is_allowed_is_just_that_host_and_port(entry: str) -> None:
    with pytest.raises(Refused):
        addresses_of("nas.lan", 80, read_allowed([entry]), lambda *_: ["10.0.0.7"])


# ---- addresses of the web -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.png",
        "//a.example/a.png",
        "ftp://a.example/a.png",
        "file:///etc/passwd",
        "gopher://a.example:70/_x",
        "http:",
        "http://",
        "http:///a.png",
        "javascript:alert(1)",
        "http://a b/",
        "http://a.example/\r\nHost: x",
        "http://[::1",
        "http://a.example:99999/",
        "http://a\\@b.example/",
        "http://a.example:port/",
        "http://exa\0mple/",
        "http://-a/",
        "http://a..b/",
        "http://[fe80::1%25eth0]/",
        "http://a.example/" + "x" * 5000,
        "dict://127.0.0.1:11211/",
    ],
)
def test_what_is_no_plain_http_address_is_refused_without_asking_anybody(url: str) -> None:
    refusal(url, resolve=nobody)
    with pytest.raises(BadInput) as refused:
        check_target(url, Settings(), "webhookUrl", resolve=nobody)
    assert refused.value.details[0].field == "webhookUrl"


@pytest.mark.parametrize(
    "url", ["http://user@a.example/", "http://user:secret@a.example/", "http://a.example@127.0.0.1/"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(url: str) -> None:
    told = refusal(url, resolve=nobody)
    assert "user name or password" in told
    assert "secret" not in told


def test_a_public_host_may_be_posted_to() -> None:
    check_target("https://hooks.example/in?x=1", Settings(), "webhookUrl", resolve=Names(hooks_example=[["8.8.8.8"]]))
