"""Servers of the standard library that answer from a thread of their own: what stands for the world outside."""

import socketserver
import threading


class Serving:
    """Serves until it is closed; `address` is its host and port, both of this machine."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        self.server = server
        self.address = f"127.0.0.1:{server.server_address[1]}"
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
