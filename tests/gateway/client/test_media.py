import pytest

from compliance.shapes import ShapeError
from gateway.client.media import File, content_of, read_run, write_run


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


def test_the_uploads_of_a_run_are_kept(tmp_path):
    """By company, kind and size; a second writing replaces the first."""
    path = tmp_path / "runs" / "monday.json"
    ids = {File("acme", "image/png", 5): "a", File("maple", "image/png", 5): "b"}
    write_run(path, {File("acme", "image/png", 5): "old"})
    write_run(path, ids)

    assert read_run(path) == ids
    assert read_run(path.with_name("tuesday.json")) == {}


@pytest.mark.parametrize("content", ["nothing", "{}", "[1]", '[{"tenant": "acme"}]'])
def test_a_file_that_is_no_run_is_refused(tmp_path, content):
    """Somebody else's file must not become ids of uploads."""
    path = tmp_path / "monday.json"
    path.write_text(content)

    with pytest.raises(ShapeError):
        read_run(path)
