"""The model registry: files of models over HTTP, the latest of a name in its manifest.

    registry.py ADDRESS FOLDER [--certificate CERT KEY] [--tls new|any|old]

`GET /models/pump-wear/latest.json` names file, version and sha256; `PUT /models/pump-wear/<file>` stores a
version and makes it the latest. Port 8080, with a certificate 8443. `old` speaks TLS 1.0 only, `any` whatever it is asked for.
"""

import argparse
import hashlib
import json
import ssl
from pathlib import Path

from web import Handler, Server

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("folder", type=Path)
parser.add_argument("--certificate", nargs=2)
parser.add_argument("--tls", choices=("new", "any", "old"), default="new")
options = parser.parse_args()


class Registry(Handler):
    server_version = "model-registry/2.3"

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        path = options.folder / Path(self.path).name
        if not path.is_file():
            self.answer(404, b"no such model\n")
        else:
            self.answer(
                200,
                path.read_bytes(),
                "application/json" if path.suffix == ".json" else "application/octet-stream",
            )

    def do_PUT(self) -> None:  # noqa: N802
        body = self.body()
        path = options.folder / Path(self.path).name
        path.write_bytes(body)
        latest = {
            "file": path.name,
            "version": path.stem.rpartition("-")[2],
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        (options.folder / "latest.json").write_text(json.dumps(latest) + "\n")
        self.answer(201, b"stored\n")


server = Server((options.address, 8443 if options.certificate else 8080), Registry)
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.tls != "new":
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
    if options.tls == "old":
        context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(*options.certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
