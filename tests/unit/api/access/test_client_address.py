"""The address of a caller, behind proxies that are trusted and others."""

import pytest

from services.api.access.client_address import bucket_of, client_address, parse_networks

PROXIES = "10.0.0.0/8, 192.168.1.1, fd00::/8"

ROWS = [
    # peer, X-Forwarded-For, trusted, expected
    ("203.0.113.9", [], "", "203.0.113.9"),
    # nobody is trusted unless configured
    ("203.0.113.9", ["198.51.100.1"], "", "203.0.113.9"),
    ("127.0.0.1", ["198.51.100.1"], "", "127.0.0.1"),
    # a peer that is no proxy of ours may say what it likes
    ("203.0.113.9", ["198.51.100.1"], PROXIES, "203.0.113.9"),
    ("10.1.2.3", ["198.51.100.1"], PROXIES, "198.51.100.1"),
    ("192.168.1.1", ["198.51.100.1"], PROXIES, "198.51.100.1"),
    ("192.168.1.2", ["198.51.100.1"], PROXIES, "192.168.1.2"),
    # what the caller made up stands further left
    ("10.1.2.3", ["1.1.1.1, 198.51.100.1"], PROXIES, "198.51.100.1"),
    ("10.1.2.3", ["1.1.1.1", "198.51.100.1"], PROXIES, "198.51.100.1"),
    # a chain of proxies
    ("10.1.2.3", ["1.1.1.1, 198.51.100.1, 10.9.9.9, 192.168.1.1"], PROXIES, "198.51.100.1"),
    ("10.1.2.3", ["10.9.9.9"], PROXIES, "10.9.9.9"),
    # nonsense is not believed
    ("10.1.2.3", ["198.51.100.1, nonsense"], PROXIES, "10.1.2.3"),
    ("10.1.2.3", [""], PROXIES, "10.1.2.3"),
    ("10.1.2.3", ["unknown"], PROXIES, "10.1.2.3"),
    ("10.1.2.3", ["," * 10_000], PROXIES, "10.1.2.3"),
    ("10.1.2.3", [", ".join(["10.0.0.1"] * 1000)], PROXIES, "10.0.0.1"),
    # with ports, and version 6 in its several forms
    ("10.1.2.3", ["198.51.100.1:4711"], PROXIES, "198.51.100.1"),
    ("10.1.2.3", ["[2001:db8::1]:4711"], PROXIES, "2001:db8::1"),
    ("10.1.2.3", ["[2001:db8::1]"], PROXIES, "2001:db8::1"),
    ("fd00::1", ["2001:DB8:0::1"], PROXIES, "2001:db8::1"),
    ("::ffff:10.1.2.3", ["::ffff:198.51.100.1"], PROXIES, "198.51.100.1"),
    ("fe80::1%eth0", [], "", "fe80::1"),
    # a socket in the file system has no address
    (None, ["198.51.100.1"], PROXIES, "unknown"),
    ("", [], "", "unknown"),
]


@pytest.mark.parametrize(("peer", "forwarded", "trusted", "expected"), ROWS)
def test_who_is_asking(peer: str | None, forwarded: list[str], trusted: str, expected: str) -> None:
    assert client_address(peer, forwarded, parse_networks(trusted)) == expected


@pytest.mark.parametrize("text", ["10.0.0.0/33", "example.org", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits"):
        parse_networks(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("unknown", "unknown", True),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    assert (bucket_of(one) == bucket_of(other)) is same
