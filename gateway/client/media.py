"""Attachments of a day: files of the kind and size that a line names, uploaded once and used by every message.

The gateway names an upload by what it is, so a run that is repeated uploads the same files, gets the same ids and sends
the same bodies.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple

from gateway.client.api import Answer, Api
from gateway.client.hands import at_once

#: Files in the air at once; each may be 20 MB.
_AT_ONCE: Final = 4
#: Longer ones are refused all the same, and need not be made.
_LONGEST: Final = 32 * 1024 * 1024

#: What a file of a kind begins with; of other kinds nobody checks.
_MAGIC: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
    "image/gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "image/bmp": b"BM",
    "video/mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
    "video/3gpp": b"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x003gp43gp6",
    "audio/mpeg": b"ID3\x03\x00\x00\x00\x00\x00\x00",
    "audio/amr": b"#!AMR\n",
    "audio/ogg": b"OggS\x00\x02",
    "application/pdf": b"%PDF-1.7\n",
    "text/vcard": b"BEGIN:VCARD\r\nVERSION:3.0\r\n",
}


class File(NamedTuple):
    """What is uploaded once: a file of a kind and size, for a company."""

    tenant: str
    type: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What became of the files: ids of those that are up, the gateway's refusal of the others."""

    ids: Mapping[File, str]
    refused: Mapping[File, Answer]


def content_of(file: File) -> bytes:
    """Make a file that looks like one of its kind from the front, and is as long as it should be."""
    length = min(file.bytes, _LONGEST)
    return _MAGIC.get(file.type, b"")[:length].ljust(length, b"\0")


async def upload(api: Api, keys: Mapping[File, str], uploaded: Callable[[], None]) -> Uploads:
    """Upload the files, each with its key; uploaded() is called for each.

    Raises NoAnswerError.
    """
    ids, refused = dict[File, str](), dict[File, Answer]()
    missing = iter(list(keys.items()))

    async def work() -> None:
        for file, key in missing:
            answer = await api.call("POST", "/v1/media", key, body=content_of(file), content_type=file.type)
            media_id = answer.fields.get("id")
            if answer.status == HTTPStatus.CREATED and type(media_id) is str:
                ids[file] = media_id
            else:
                refused[file] = answer
            uploaded()

    await at_once(_AT_ONCE, work)
    return Uploads(ids=ids, refused=refused)
