"""The retraining job: takes what the historian has, trains, and puts the new version into the registry.

retrain.py HISTORIAN REGISTRY VERSION
"""

import http.client
import sys
import tempfile
from pathlib import Path

from model import NAME, retrained

historian, registry, version = sys.argv[1:4]
connection = http.client.HTTPConnection(historian, 8080, timeout=20)
connection.request("GET", "/telemetry.csv", headers={"User-Agent": "retrain/2.0"})
table = connection.getresponse().read().decode()
connection.close()
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / f"{NAME}-{version}.safetensors"
    retrained(table, version).save(file)
    body = file.read_bytes()
connection = http.client.HTTPConnection(registry, 8080, timeout=20)
connection.request(
    "PUT", f"/models/{NAME}/{NAME}-{version}.safetensors", body=body, headers={"User-Agent": "retrain/2.0"}
)
print(connection.getresponse().status)
connection.close()
