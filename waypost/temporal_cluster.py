"""The Temporal that the settings name: their files read, their codec imported, what does not fit told in a sentence.

It knows nothing of connections: `workflows.gateway` makes them.
"""

from importlib import import_module
from pathlib import Path

from temporalio.converter import PayloadCodec
from temporalio.service import TLSConfig

from waypost.errors import CannotStart
from waypost.settings import Settings
from workflows.cluster import Cluster


def cluster_of(settings: Settings) -> Cluster:
    """How Temporal is reached; raise CannotStart where a file, a pair or the codec is missing or wrong."""
    return Cluster(
        address=settings.temporal,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=_tls(settings),
        codec=_codec(settings.temporal_codec) if settings.temporal_codec else None,
    )


def _tls(settings: Settings) -> bool | TLSConfig:
    """TLS where it is asked for, and where a key or certificate would make no sense without."""
    pair = (settings.temporal_tls_client_cert, settings.temporal_tls_client_key)
    if (pair[0] is None) != (pair[1] is None):
        raise CannotStart("set both WAYPOST_TEMPORAL_TLS_CLIENT_CERT and WAYPOST_TEMPORAL_TLS_CLIENT_KEY, or neither")
    given = (settings.temporal_api_key, *pair, settings.temporal_tls_server_ca, settings.temporal_tls_server_name)
    if not (any(given) if settings.temporal_tls is None else settings.temporal_tls):
        return False
    return TLSConfig(
        server_root_ca_cert=_read(settings.temporal_tls_server_ca, "WAYPOST_TEMPORAL_TLS_SERVER_CA"),
        domain=settings.temporal_tls_server_name,
        client_cert=_read(pair[0], "WAYPOST_TEMPORAL_TLS_CLIENT_CERT"),
        client_private_key=_read(pair[1], "WAYPOST_TEMPORAL_TLS_CLIENT_KEY"),
    )


def _read(path: Path | None, variable: str) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotStart(f"{variable}: {path} cannot be read ({error.strerror})") from None


def _codec(named: str) -> PayloadCodec:
    """The codec that `package.module:callable` gives."""
    module, _, name = named.partition(":")
    try:
        codec = getattr(import_module(module), name)()
    except Exception as error:
        why = f"gives no codec ({type(error).__name__}: {error})"
        raise CannotStart(f"WAYPOST_TEMPORAL_CODEC: {named} {why}") from error
    if not isinstance(codec, PayloadCodec):
        why = f"gives {type(codec).__name__}, not a PayloadCodec of temporalio"
        raise CannotStart(f"WAYPOST_TEMPORAL_CODEC: {named} {why}")
    return codec
