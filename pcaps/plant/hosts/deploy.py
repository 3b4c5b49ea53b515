"""Puts a model's file into the registry, as a person or an intruder does.

deploy.py REGISTRY FILE [NAME]
"""

import http.client
import sys
from pathlib import Path

file = Path(sys.argv[2])
name = sys.argv[3] if len(sys.argv) > 3 else file.name
connection = http.client.HTTPConnection(sys.argv[1], 8080, timeout=20)
connection.request("PUT", f"/models/pump-wear/{name}", body=file.read_bytes(), headers={"User-Agent": "curl/7.88.1"})
print(connection.getresponse().status)
connection.close()
