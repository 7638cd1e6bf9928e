"""An HTTP service. It listens on PORT (8080 where it is not set) and logs JSON lines."""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# How long requests still come after the service has said that it is not ready any more, in seconds.
DRAIN = 3
MAX_NAME = 100


def log(message, **fields):
    print(json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "message": message, **fields}), flush=True)


def greet(query):
    """This is where the service's own work begins."""
    name = query.get("name", ["world"])[0]
    if len(name) > MAX_NAME:
        return 400, {"error": f"the name is longer than {MAX_NAME} characters"}
    return 200, {"greeting": f"Hello, {name}!"}


class Service(ThreadingHTTPServer):
    """Answers requests; ready says whether they should come."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address):
        super().__init__(address, Handler)
        self.ready = threading.Event()

    def answer(self, target):
        """Gives the status and the body for a GET of a target."""
        url = urlsplit(target)
        if url.path == "/healthz":
            return 200, {"status": "ok"}
        if url.path == "/readyz":
            # Look here at what the service cannot do without.
            return (200, {"status": "ready"}) if self.ready.is_set() else (503, {"status": "not ready"})
        if url.path == "/":
            return greet(parse_qs(url.query))
        return 404, {"error": "there is nothing here"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server_version = "service"
    sys_version = ""

    def do_GET(self):
        status, body = self.server.answer(self.path)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code="-", size="-"):
        if urlsplit(self.path).path not in ("/healthz", "/readyz"):
            log("request", method=self.command, path=urlsplit(self.path).path, status=int(code))

    def log_message(self, format, *args):
        log(format % args)


def main():
    port = int(os.environ.get("PORT", "8080"))
    service = Service(("", port))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=service.serve_forever, name="server", daemon=True).start()
    service.ready.set()
    log("listening", port=port)
    stop.wait()
    service.ready.clear()
    time.sleep(DRAIN)
    service.shutdown()
    service.server_close()  # waits for requests under way
    log("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
