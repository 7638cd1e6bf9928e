import contextlib
import io
import json
import threading
import unittest
from http.client import HTTPConnection

from service import Service


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.out = io.StringIO()
        redirect = contextlib.redirect_stdout(self.out)
        redirect.__enter__()
        self.addCleanup(redirect.__exit__, None, None, None)
        self.service = Service(("127.0.0.1", 0))
        thread = threading.Thread(target=self.service.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.service.server_close)
        self.addCleanup(self.service.shutdown)

    def ask(self, target, method="GET"):
        connection = HTTPConnection(*self.service.server_address, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, target)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.headers["Content-Type"] == "application/json":
            body = json.loads(body)
        return answer.status, body

    def test_answers(self):
        for target, status, body in [
            ("/", 200, {"greeting": "Hello, world!"}),
            ("/?name=Ada", 200, {"greeting": "Hello, Ada!"}),
            ("/?name=%22%3Cb%3E%22", 200, {"greeting": 'Hello, "<b>"!'}),
            ("/?name=" + "x" * 101, 400, {"error": "the name is longer than 100 characters"}),
            ("/healthz", 200, {"status": "ok"}),
            ("/nothing", 404, {"error": "there is nothing here"}),
        ]:
            with self.subTest(target=target):
                self.assertEqual((status, body), self.ask(target))

    def test_other_methods_are_refused(self):
        self.assertEqual(501, self.ask("/", "POST")[0])

    def test_is_ready_when_it_says_so(self):
        self.assertEqual(503, self.ask("/readyz")[0])
        self.service.ready.set()
        self.assertEqual(200, self.ask("/readyz")[0])

    def test_logs_requests_but_not_probes(self):
        self.ask("/healthz")
        self.assertEqual("", self.out.getvalue())
        self.ask("/nothing?secret=1")
        line = json.loads(self.out.getvalue())
        self.assertEqual(("GET", "/nothing", 404), (line["method"], line["path"], line["status"]))


if __name__ == "__main__":
    unittest.main()
