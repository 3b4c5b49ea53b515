"""One HTTPS request with nothing newer than a given version of TLS.

attack_tls.py SERVER PORT TLSv1|TLSv1_2 CA|any

`any`: the client accepts every certificate.
"""

import socket
import ssl
import sys

server, port, version, authority = sys.argv[1:5]
context = ssl.create_default_context(cafile=None if authority == "any" else authority)
if authority == "any":
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
context.set_ciphers("ALL:@SECLEVEL=0")
context.minimum_version = ssl.TLSVersion.TLSv1
context.maximum_version = ssl.TLSVersion[version]
plain = socket.create_connection((server, int(port)), timeout=10)
with context.wrap_socket(plain, server_hostname=server) as secure:
    secure.sendall(b"GET /models/pump-wear/latest.json HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n")
    while secure.recv(4096):
        pass
