"""A small server that answers as the Hugging Face hub does, for one data set."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(repository: str, files: Mapping[str, bytes], gated: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Serves the files of a data set at one commit; gives the address and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            asked.append(self.path)
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            path = self.path.partition("?")[0]
            known = (
                f"/api/datasets/{repository}",
                *(f"/api/datasets/{repository}/revision/{at}" for at in ("v1", COMMIT)),
            )
            start = f"/datasets/{repository}/resolve/{COMMIT}/"
            if gated:
                self._send(403, b"{}", body, {"X-Error-Code": "GatedRepo"})
            elif path in known:
                facts = {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
                self._send(200, json.dumps(facts).encode(), body, {"Content-Type": "application/json"})
            elif path.startswith(start) and path[len(start) :] in files:
                data = files[path[len(start) :]]
                self._send(200, data, body, {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'})
            else:
                code = "RevisionNotFound" if path.startswith(f"/api/datasets/{repository}/") else "RepoNotFound"
                self._send(404, b"{}", body, {"X-Error-Code": code})

        def _send(self, status: int, data: bytes, body: bool, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
