"""Which hosts may be connected to, and at which addresses: names are looked up once, and what is not on the public
Internet is refused unless the operator allows it. Opens no connection."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

# https://www.iana.org/assignments/iana-ipv4-special-registry: whatever is not for everybody, multicast and reserved.
# Spelled out since `ipaddress.is_global` differs between the patch releases of Python 3.11 to 3.13.
REFUSED_V4 = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
    ).split()
)
# Of IPv6 only 2000::/3 is given out for public use: loopback, link-local, unique local, multicast, IPv4-mapped
# (::ffff:0:0/96) and NAT64 (64:ff9b::/96, 64:ff9b:1::/48) all lie outside. In it: Teredo and other protocols, 6to4,
# documentation.
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
REFUSED_V6 = tuple(ipaddress.ip_network(network) for network in "2001::/23 2001:db8::/32 2002::/16 3fff::/20".split())

LOOK_UP_SECONDS = 5
MOST_ADDRESSES = 3
HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Refused(Exception):
    """The host may not be connected to, or cannot be found. The message is a sentence without its subject."""


class Allowed(NamedTuple):
    """One entry of `allowed_fetch`: a host name, an address or a network; `port` None: any."""

    name: str | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    port: int | None


def read_allowed(entries: Iterable[str]) -> list[Allowed]:
    """Entries as `nas.lan`, `nas.lan:8080`, `10.0.0.7`, `10.0.0.0/8`, `[fd00::7]:8080`, `fd00::/8`."""
    return [_read_entry(entry.strip().lower()) for entry in entries]


def _read_entry(entry: str) -> Allowed:
    if network := _network(entry.strip("[]")):
        return Allowed(None, network, None)
    host, _, port = entry.rpartition(":")
    if not host or not port.isascii() or not port.isdigit():
        return Allowed(entry.rstrip("."), None, None)
    if network := _network(host.strip("[]")):
        return Allowed(None, network, int(port))
    return Allowed(host.rstrip("."), None, int(port))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in PUBLIC_V6 and not any(address in network for network in REFUSED_V6)


def addresses_of(
    host: str, port: int, allowed: list[Allowed], resolve: Resolver, *, allowed_only: bool = False
) -> list[str]:
    """The addresses at which `host` (lower case, ASCII; IPv6 without brackets) may be connected to, at most three.

    `allowed_only`: nothing but what the operator allows, and no name is looked up to find out. Raises `Refused`.
    """
    literal = _literal(host)
    here = [one for one in allowed if one.port in (None, port)]
    by_name = literal is None and any(one.name == host.rstrip(".") for one in here)
    networks = [one.network for one in here if one.network is not None]
    if allowed_only and not by_name and not (literal and _within(literal, networks)):
        raise Refused(f"{host} is not in REELHOUSE_ALLOWED_FETCH, and this server is offline")
    found = [literal] if literal else _found(host, port, resolve)
    for address in found:
        # One bad address among good ones spoils them all: it is how a name is made to point inside now and then.
        if not (by_name or _within(address, networks) or is_public(address)):
            # The address itself is not told: it would be a window on the names of the network inside.
            raise Refused(
                f"{host} is at what is not a public address; the operator can allow it in REELHOUSE_ALLOWED_FETCH"
            )
    return [str(address) for address in found[:MOST_ADDRESSES]]


def _within(address: Address, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _literal(host: str) -> Address | None:
    """The address that the host is, None for a name. 2130706433, 0x7f.1 and 0177.0.0.1 are neither: resolvers differ in
    what they make of them, and nobody means well with them."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    if NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise Refused(f"{host} is not the usual form of an address, which is four decimal numbers")
    if not HOST.fullmatch(host) or len(host) > 253:
        raise Refused(f"{host[:60]} is not the name of a host")
    return None


def _found(host: str, port: int, resolve: Resolver) -> list[Address]:
    texts: list[str] = []
    problem: list[Exception] = []

    def look() -> None:
        try:
            texts.extend(resolve(host, port))
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            problem.append(error)

    # A resolver cannot be told how long it may take; it is left behind when it takes too long.
    thread = threading.Thread(target=look, name="resolver", daemon=True)
    thread.start()
    thread.join(LOOK_UP_SECONDS)
    if thread.is_alive() or problem or not texts:
        raise Refused(f"{host} cannot be found") from (problem[0] if problem else None)
    return [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(texts)]


def look_up(host: str, port: int) -> list[str]:
    """The system's own resolver."""
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
