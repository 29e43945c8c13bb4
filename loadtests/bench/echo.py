"""The floor of the stack: a bare aiohttp application that decodes JSON and answers it.

``python -m loadtests.bench.echo --port P``; the loop, the access log and the JSON library are those of the gateway.
Whatever the gateway does for a text, it cannot cost less than this without leaving aiohttp's Application.
"""

import argparse

import orjson
import uvloop
from aiohttp import web


async def _echo(request: web.Request) -> web.Response:
    data = orjson.loads(await request.read())
    return web.Response(body=orjson.dumps(data), status=202, content_type="application/json")


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.echo")
    parser.add_argument("--port", type=int, required=True)
    application = web.Application()
    application.add_routes([web.post("/v1/messages", _echo), web.get("/healthz", _health)])
    web.run_app(
        application,
        host="127.0.0.1",
        port=parser.parse_args().port,
        access_log=None,
        print=None,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
