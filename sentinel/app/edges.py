"""From the configuration to what each edge gets of it."""

from sentinel.config import Config, TsnetSettings
from sentinel.ingest import Edge, Login
from sentinel.sources.tailnet.decode import Decoder


def edges(config: Config) -> dict[str, Edge]:
    """What each source's edge is told."""
    return {name: _edge(config.tsnet_of(name)) for name in config.sources}


def _edge(tsnet: TsnetSettings) -> Edge:
    login = Login(
        mode=tsnet.login_mode,
        fallback=tsnet.allow_interactive_fallback,
        timeout=tsnet.login_timeout,
        auth_key=tsnet.login_key.get_secret_value(),
        client_secret=tsnet.client_secret.get_secret_value(),
        client_id=tsnet.client_id,
        id_token=tsnet.id_token.get_secret_value(),
        audience=tsnet.audience,
    )
    return Edge(
        decoder=Decoder,
        hostname=tsnet.hostname,
        control_url=tsnet.control_url,
        advertise_tags=tsnet.advertise_tags,
        login=login,
        ephemeral=tsnet.ephemeral,
        log_upload=tsnet.log_upload,
    )
