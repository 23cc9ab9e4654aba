#!/usr/bin/python3
"""An HTTPS server that lets in only who signs in by Kerberos or NTLM and is bound to its certificate.

bound.py {krb5|ntlm} PORT CERT KEY [forgets]

Built on MIT's GSSAPI (and gss-ntlmssp), so that it judges what Lintel sends independently of Lintel. A connection stays
signed in, unless the path begins with /forgets. GET /counts tells anybody: "connections handshakes refused".
An answer to a signed-in request is the SHA-256 of the body that came with it.
"""
import base64
import hashlib
import http.server
import ssl
import subprocess
import sys
import threading

import gssapi
from gssapi.raw import ChannelBindings

MECH, PORT, CERT, KEY = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
KRB5 = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
CHANNEL_BOUND = 2048  # GSS_C_CHANNEL_BOUND_FLAG, MIT 1.19

counts = {"connections": 0, "handshakes": 0, "refused": 0}
lock = threading.Lock()


def count(what):
    with lock:
        counts[what] += 1


def end_point():
    """tls-server-end-point (RFC 5929 4.1), with openssl doing the reading."""
    text = subprocess.run(["openssl", "x509", "-in", CERT, "-noout", "-text"], check=True, capture_output=True, text=True).stdout
    algorithm = text.split("Signature Algorithm:")[1].split()[0].lower()
    name = next((h for h in ("sha384", "sha512") if h in algorithm), "sha256")
    der = ssl.PEM_cert_to_DER_cert(open(CERT).read())
    return b"tls-server-end-point:" + hashlib.new(name, der).digest()


BINDINGS = ChannelBindings(application_data=end_point())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.signed = False
        self.context = None
        count("connections")

    def answer(self, status, text, token=None):
        body = text.encode()
        self.send_response(status)
        if status == 401:
            for scheme in ("NTLM", "Negotiate") if MECH == "ntlm" else ("Negotiate",):
                extra = " " + base64.b64encode(token).decode() if token and scheme == self.scheme else ""
                self.send_header("WWW-Authenticate", scheme + extra)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/counts":
            with lock:
                return self.answer(200, "%(connections)d %(handshakes)d %(refused)d" % counts)
        if self.path.startswith("/forgets"):
            self.signed = False
        self.scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if not value:
            if self.signed:
                return self.answer(200, hashlib.sha256(body).hexdigest())
            return self.answer(401, "who are you")
        self.signed = False
        if self.context is None:
            creds = gssapi.Credentials(usage="accept", mechs=[NTLM] if MECH == "ntlm" else [KRB5, SPNEGO])
            self.context = gssapi.SecurityContext(creds=creds, usage="accept", channel_bindings=BINDINGS)
        try:
            token = self.context.step(base64.b64decode(value))
        except gssapi.exceptions.GSSError as e:
            return self.refuse(str(e))
        if not self.context.complete:
            return self.answer(401, "go on", token)
        bound = int(self.context.actual_flags) & CHANNEL_BOUND
        if not bound:
            return self.refuse("not bound to this certificate")
        self.context = None
        self.signed = True
        count("handshakes")
        self.answer(200, hashlib.sha256(body).hexdigest())

    do_POST = do_PUT = do_GET

    def refuse(self, why):
        print("refused:", why, flush=True)
        self.context = None
        count("refused")
        self.answer(401, "refused")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", PORT), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERT, KEY)
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
