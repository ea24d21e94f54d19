"""Which Temporal this is, and how it is reached: an address, or Temporal Cloud and clusters of one's own behind TLS.

A value, made where settings are read (`waypost.temporal_cluster`): nothing here reads a file or an environment.
"""

from dataclasses import dataclass

from temporalio.converter import PayloadCodec
from temporalio.service import TLSConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A namespace of a cluster at `address` (host:port).

    `tls` False is plain text, True trusts the system's authorities. `codec` turns every payload into what the cluster
    keeps, and back.
    """

    address: str
    namespace: str = "default"
    api_key: str | None = None
    tls: bool | TLSConfig = False
    codec: PayloadCodec | None = None
