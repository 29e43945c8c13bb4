"""A TCP proxy between client and server that can lose an answer: what a broken network does at the worst moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Passes bytes on; after lose_next_reply() the next answer is swallowed and its connection reset."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lose = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        #: How many connections were ever made.
        self.connections = 0

    def lose_next_reply(self) -> None:
        """Let the server do the next thing that is asked, and the client never hear of it."""
        self._lose = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        """Listen on loopback; at the end every connection is closed."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._open:
                writer.close()
            while self._open:  # noqa: ASYNC110 - the handlers end themselves, one turn later
                await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up_reader, up_writer = await asyncio.open_unix_connection(self._path)
        both = {writer, up_writer}
        self._open |= both
        try:
            await asyncio.gather(self._up(reader, up_writer), self._down(up_reader, writer, up_writer))
        except ConnectionError:
            pass
        finally:
            for end in both:
                end.close()
            self._open -= both

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    async def _down(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up_writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(1 << 16):
            if self._lose:
                self._lose = False
                up_writer.close()
                break
            writer.write(data)
        writer.close()
