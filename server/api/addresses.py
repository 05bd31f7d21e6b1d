"""From which address a request comes, with proxies that are trusted looked through. Knows no limit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from engine.errors import BadSetting

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

NOWHERE = "local"
"""A connection without an address: one through a Unix socket."""


def parse_proxies(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises `BadSetting` for what is neither an address nor a network."""
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise BadSetting(
            f"REELHOUSE_TRUSTED_PROXIES takes addresses and networks, as 10.0.0.7,192.168.0.0/16: {error}."
        ) from error


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy; the network of 64 bits for IPv6, since one client has all of it.

    `forwarded` are the X-Forwarded-For headers in their order: each proxy adds whom it speaks with at the end, and
    what stands before that is as good as the one who wrote it.
    """
    address = _parsed(peer or "")
    hops = [hop for header in forwarded for hop in header.split(",")]
    while hops and address is not None and any(address in network for network in trusted):
        earlier = _parsed(hops.pop())
        if earlier is None:
            break
        address = earlier
    if address is None:
        return NOWHERE
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _parsed(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
