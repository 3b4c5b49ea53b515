"""A web server that answers every GET with a short text and takes every POST.

web.py ADDRESS PORT [FOLDER]
"""

from __future__ import annotations

import http.server
import socketserver
import sys
from pathlib import Path


class Server(http.server.ThreadingHTTPServer):
    def server_bind(self) -> None:
        """As the parent does, without asking a name server for the own name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path | None = None

    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self) -> None:
        file = self.folder / Path(self.path).name if self.folder else None
        self.answer(200, file.read_bytes() if file and file.is_file() else b"ok\n")

    def do_POST(self) -> None:
        self.body()
        self.answer(200, b"taken\n")

    do_PUT = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if len(sys.argv) > 3:
        Handler.folder = Path(sys.argv[3])
    Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
