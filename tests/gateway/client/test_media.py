import pytest

from gateway.client.media import File, content_of


@pytest.mark.parametrize(
    ("kind", "magic"),
    [("image/png", b"\x89PNG\r\n\x1a\n"), ("image/jpeg", b"\xff\xd8\xff"), ("image/gif", b"GIF8"), ("text/plain", b"")],
)
@pytest.mark.parametrize("size", [0, 3, 10, 5_000])
def test_a_file_has_its_kind_and_size(kind, magic, size):
    """It begins as one of its kind does, as far as its size goes."""
    content = content_of(File("acme", kind, size))

    assert len(content) == size
    assert content.startswith(magic[:size])


def test_a_file_that_is_refused_anyway_is_not_made_whole():
    """A day may name any size."""
    assert len(content_of(File("acme", "image/png", 10**15))) < 100_000_000
